# shellcheck shell=bash
# What scripts/run and scripts/test share: finding what is missing and installing it.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JARS=$ROOT/target/zookeeper-jars
JAVA_MIN=17

say() { printf 'zkdeck: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo. Type as root: $*"
  fi
}

# apt_install REASON PACKAGE...
apt_install() {
  local reason=$1
  shift
  command -v apt-get >/dev/null ||
    die "missing: $* ($reason). This machine has no apt-get: install them by its own package tool, then try again"
  say "installing $* ($reason)"
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    die "$* could not be installed; type: apt-get install $*"
}

apt_updated=
apt_update() {
  [ -z "$apt_updated" ] || return 0
  as_root apt-get update -qq >/dev/null || die "the list of packages could not be fetched; type: apt-get update"
  apt_updated=yes
}

# The version of a package that apt would install; nothing when it has none. `apt-cache show` is no
# test: it succeeds for a name that other packages only mention.
candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$' || true; }

# The major version of the java that zkdeck will find; 0 when there is none.
java_major() {
  local java=java text
  [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
  text=$("$java" -version 2>&1) || text=
  text=$(sed -n 's/.* version "\([0-9]*\).*/\1/p' <<<"$text" | head -n 1)
  printf '%s\n' "${text:-0}"
}

need_java() {
  local found version
  found=$(java_major)
  [ "$found" -lt "$JAVA_MIN" ] || return 0
  if command -v apt-get >/dev/null; then
    apt_update
    for version in 21 17 25; do
      if [ -n "$(candidate "openjdk-$version-jre-headless")" ]; then
        apt_install "ZooKeeper runs on Java $JAVA_MIN or newer" "openjdk-$version-jre-headless"
        break
      fi
    done
  fi
  found=$(java_major)
  [ "$found" -ge "$JAVA_MIN" ] ||
    die "Java $JAVA_MIN or newer is needed to run ZooKeeper, and java is version $found${JAVA_HOME:+ in JAVA_HOME $JAVA_HOME}. Install a newer one and try again"
}

need_compiler() {
  command -v cc >/dev/null || apt_install "SQLite is compiled into zkdeck" gcc libc6-dev
}

# Whether version $1 is at least $2.
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH=$HOME/.cargo/bin:$PATH
  fi
  if command -v cargo >/dev/null && command -v rustc >/dev/null; then
    found=$(cd "$ROOT" && rustc --version | cut -d ' ' -f 2)
    at_least "$found" "$wanted" || die "Rust $found is too old: $wanted or newer is needed. Type: rustup update stable"
    return
  fi
  if command -v apt-get >/dev/null; then
    apt_update
    found=$(candidate cargo)
    if at_least "${found:-0}" "$wanted"; then
      apt_install "zkdeck is written in Rust" cargo rustc rustfmt rust-clippy
      return
    fi
    if [ -n "$(candidate rustup)" ]; then
      die "Rust $wanted or newer is missing. Type: sudo apt-get install -y rustup && rustup default stable"
    fi
  fi
  die "Rust $wanted or newer is missing. Type: curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y"
}

# ZooKeeper's jars, fetched once for each version of the list.
need_jars() {
  local pom=$ROOT/scripts/ensemble/pom.xml stamp
  if [ -n "${ZKDECK_JARS:-}" ]; then
    return
  fi
  stamp=$(sha256sum <"$pom" | cut -d ' ' -f 1)
  if [ "$(cat "$JARS/.complete" 2>/dev/null)" != "$stamp" ]; then
    command -v mvn >/dev/null || apt_install "Maven fetches ZooKeeper's jars" maven
    say "fetching ZooKeeper's jars"
    rm -rf "$JARS" "$JARS.part"
    mkdir -p "$JARS.part"
    mvn -q -B -C -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DoutputDirectory="$JARS.part" ||
      die "ZooKeeper's jars could not be fetched; check the network, or set ZOOKEEPER_HOME to an unpacked Apache ZooKeeper"
    printf '%s\n' "$stamp" >"$JARS.part/.complete"
    mv "$JARS.part" "$JARS"
  fi
  export ZKDECK_JARS=$JARS
}
