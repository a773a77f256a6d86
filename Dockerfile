# zkdeck in a small image: the program, its entry point, nothing to compile with.
ARG RUST_VERSION=1.95-bookworm
ARG DEBIAN_VERSION=bookworm-slim

FROM rust:${RUST_VERSION} AS build
WORKDIR /src
# The dependencies alone first: they are built again only when one of these two files changes. Benches
# and tests are not part of the image, and Cargo asks for the files of those that the manifest names.
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[\(bench\|test\)\]\]/,/^$/d' Cargo.toml \
 && mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
 && cargo build --release --locked --bin zkdeck \
 && rm -r src
COPY docs docs
COPY filebeat filebeat
COPY themes themes
COPY src src
# Cargo goes by time stamps, and those of the files above may be older than the build.
RUN sed -i '/^\[\[\(bench\|test\)\]\]/,/^$/d' Cargo.toml \
 && touch src/lib.rs src/main.rs && cargo build --release --locked --bin zkdeck

FROM debian:${DEBIAN_VERSION}
RUN groupadd --gid 1000 zkdeck \
 && useradd --uid 1000 --gid 1000 --home-dir /zkdeck --no-create-home --shell /usr/sbin/nologin zkdeck \
 && mkdir -p /zkdeck/data /zkdeck/logs \
 && chown -R zkdeck:zkdeck /zkdeck
COPY docker/entrypoint.sh /usr/local/bin/entrypoint
# Before the program on the PATH: whoever comes in by exec is root, and zkdeck never is.
COPY docker/zkdeck.sh /usr/local/sbin/zkdeck
COPY --from=build /src/target/release/zkdeck /usr/local/bin/zkdeck
# For the console by `docker compose exec`: box drawing, and 256 colours where Docker would say 8.
ENV LANG=C.UTF-8 TERM=xterm-256color
USER zkdeck
WORKDIR /zkdeck
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=20s --retries=6 CMD ["zkdeck", "healthcheck"]
ENTRYPOINT ["entrypoint"]
CMD ["zkdeck", "--daemon"]
