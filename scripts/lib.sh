# shellcheck shell=bash
# What the scripts share: finding what is missing, installing it, and saying how long things take.
#
# What is installed where:
#   packages    by this system's package tool (apt-get, dnf, pacman, apk, zypper, brew), in one command
#   Rust        target/tools/rust, unless this machine has one that is new enough; by the distribution's rustup
#               where there is one, else by rustup's installer
#   jars        target/zookeeper-jars
#
# Environment:
#   ZKDECK_RUSTUP_INIT   address of rustup's installer, a shell script; https://sh.rustup.rs when it is not set
#   ZKDECK_JARS          a folder with ZooKeeper's jars: nothing is fetched then

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/target/tools
JARS=$ROOT/target/zookeeper-jars
JAVA_MIN=17
# The oldest Rust that builds zkdeck, and the one that is installed where there is none.
RUST_MIN=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
RUST_PIN=1.95.0
# Where systems put the Java that is not on the PATH.
JAVA_PLACES='/usr/lib/jvm/* /opt/homebrew/opt/openjdk* /home/linuxbrew/.linuxbrew/opt/openjdk*'
RUSTUP_INIT=${ZKDECK_RUSTUP_INIT:-https://sh.rustup.rs}

say() { printf 'zkdeck: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# zkdeck ends its servers through Linux' kernel and reads /proc.
need_linux() {
  [ "$(uname -s)" = Linux ] || die "zkdeck builds and runs on Linux only, and this is $(uname -s). With Docker: docker compose up -d, then docker compose exec backend zkdeck"
}

# --- how long things take ---------------------------------------------------------------------------

# 75 -> 1 min 15 s
span() {
  if [ "$1" -lt 60 ]; then printf '%s s' "$1"; else printf '%s min %s s' "$(($1 / 60))" "$(($1 % 60))"; fi
}

# long WHAT USUALLY COMMAND...: says what begins and how long it takes, every 12 s that it goes on, and how long it
# took. The next time it says what the last time took.
long() {
  local what=$1 usually=$2 from=$SECONDS code=0 beat last
  shift 2
  last=$TOOLS/times/$(tr -c 'A-Za-z0-9\n' '-' <<<"$what")
  if [ -s "$last" ]; then usually="took $(span "$(cat "$last")") last time"; else usually="takes $usually"; fi
  say "$what ($usually)"
  beats "$what" "$from" &
  beat=$!
  "$@" || code=$?
  kill "$beat" 2>/dev/null || true
  wait "$beat" 2>/dev/null || true
  if [ "$code" = 0 ]; then
    say "$what: done in $(span "$((SECONDS - from))")"
    { mkdir -p "$TOOLS/times" && printf '%s\n' "$((SECONDS - from))" >"$last"; } 2>/dev/null || true
  fi
  return "$code"
}

beats() {
  local clear='' pause=
  [ ! -t 2 ] || clear=$'\r\033[K'
  trap 'kill "$pause" 2>/dev/null; exit 0' TERM
  # Ends with the script, however that ends.
  while kill -0 "$$" 2>/dev/null; do
    sleep 12 >/dev/null 2>&1 &
    pause=$!
    wait "$pause"
    printf '%szkdeck: %s: %s so far\n' "$clear" "$1" "$(span "$((SECONDS - $2))")" >&2
  done
}

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local out code=0
  out=$(mktemp)
  "$@" >"$out" 2>&1 </dev/null || code=$?
  [ "$code" = 0 ] || tail -n 15 "$out" >&2
  rm -f "$out"
  return "$code"
}

# --- this system's packages -------------------------------------------------------------------------

SYSTEM=
for tool in apt-get dnf zypper pacman apk brew; do
  if command -v "$tool" >/dev/null; then
    SYSTEM=$tool
    break
  fi
done
unset tool

# The command that installs packages here, without the packages.
installer() {
  case $SYSTEM in
  apt-get) echo apt-get install -y --no-install-recommends ;;
  dnf) echo dnf install -y ;;
  zypper) echo zypper --non-interactive install --no-recommends ;;
  pacman) echo pacman -S --needed --noconfirm ;;
  apk) echo apk add ;;
  brew) echo brew install ;;
  esac
}

# How to become root without being asked when nobody is there to answer; fails when there is no way.
# Homebrew works as the user only.
root_prefix() {
  [ "$SYSTEM" != brew ] || return 0
  [ "$(id -u)" != 0 ] || return 0
  if command -v sudo >/dev/null; then
    if [ -t 0 ] && [ -t 2 ]; then echo sudo; else sudo -n true 2>/dev/null && echo sudo -n; fi
  elif command -v doas >/dev/null; then
    if [ -t 0 ] && [ -t 2 ]; then echo doas; else doas -n true 2>/dev/null && echo doas -n; fi
  else
    return 1
  fi
}

# The list of packages, fetched once where the tool does not fetch it itself. Without root the list is as it is.
refreshed=
refresh() {
  local -a command root
  [ -z "$refreshed" ] || return 0
  refreshed=yes
  case $SYSTEM in
  apt-get) command=(apt-get update -qq) ;;
  apk) command=(apk update -q) ;;
  pacman)
    # Only where there is no list at all: a list that is newer than the system would upgrade it in parts.
    ! compgen -G '/var/lib/pacman/sync/*.db' >/dev/null || return 0
    command=(pacman -Sy --noconfirm)
    ;;
  *) return 0 ;;
  esac
  root_prefix >/dev/null || return 0
  read -ra root <<<"$(root_prefix)"
  # The password is asked for here, before anything else writes to the terminal.
  [ "${root[*]-}" != sudo ] || sudo -v || return 0
  long "fetching the list of packages" "about 10 s" quietly ${root[@]+"${root[@]}"} "${command[@]}" ||
    say "the list of packages could not be fetched; going on with the list that is here"
}

# The version of a package that apt would install; nothing when it has none. `apt-cache show` is no
# test: it succeeds for a name that other packages only mention.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '^(none)$' || true; }

# Whether the package tool has a package of this name.
available() {
  case $SYSTEM in
  apt-get) [ -n "$(candidate "$1")" ] ;;
  dnf) dnf -q list "$1" >/dev/null 2>&1 ;;
  zypper) zypper --non-interactive --quiet search --match-exact "$1" >/dev/null 2>&1 ;;
  pacman) pacman -Si "$1" >/dev/null 2>&1 ;;
  apk) [ -n "$(apk search -q -x "$1" 2>/dev/null)" ] ;;
  brew) brew info --formula "$1" >/dev/null 2>&1 ;;
  *) false ;;
  esac
}

# The first of these packages that there is; the first of all when none can be found.
first_available() {
  local package
  for package in "$@"; do
    if available "$package"; then
      printf '%s\n' "$package"
      return
    fi
  done
  printf '%s\n' "$1"
}

# The packages of a thing here; nothing where no package has it.
packages_of() {
  case $SYSTEM/$1 in
  apt-get/compiler) echo gcc libc6-dev ;;
  dnf/compiler | zypper/compiler) echo gcc glibc-devel ;;
  pacman/compiler) echo gcc ;;
  apk/compiler) echo gcc musl-dev ;;
  apt-get/java) first_available openjdk-21-jre-headless openjdk-17-jre-headless openjdk-25-jre-headless ;;
  dnf/java) first_available java-21-openjdk-headless java-25-openjdk-headless java-17-openjdk-headless ;;
  zypper/java) first_available java-21-openjdk-headless java-17-openjdk-headless java-25-openjdk-headless ;;
  pacman/java) first_available jre21-openjdk-headless jre-openjdk-headless jre17-openjdk-headless ;;
  apk/java) first_available openjdk21-jre-headless openjdk17-jre-headless openjdk25-jre-headless ;;
  brew/java) first_available openjdk@21 openjdk@17 openjdk ;;
  */rust | */rust-tools)
    # The distribution's rustup takes the place of its rustc: nobody asked for that.
    if rustup_program >/dev/null; then
      :
    elif ! command -v rustc >/dev/null && available rustup; then
      echo rustup
    elif ! command -v curl >/dev/null && ! command -v wget >/dev/null; then
      echo curl ca-certificates
    fi
    ;;
  */maven) echo maven ;;
  */curl) echo curl ca-certificates ;;
  dnf/shellcheck | zypper/shellcheck) echo ShellCheck ;;
  */shellcheck) echo shellcheck ;;
  */strace) echo strace ;;
  */setpriv) echo util-linux ;;
  */mkfs.ext4) echo e2fsprogs ;;
  pacman/python3 | brew/python3) echo python ;;
  */python3) echo python3 ;;
  esac
}

# --- things -----------------------------------------------------------------------------------------

# Whether a thing is here.
have() {
  case $1 in
  compiler) command -v cc >/dev/null ;;
  rust) find_rust cargo rustc ;;
  rust-tools) find_rust cargo rustc cargo-fmt cargo-clippy ;;
  java) find_java ;;
  maven) have_jars || command -v mvn >/dev/null ;;
  *) command -v "$1" >/dev/null ;;
  esac
}

# What a thing is, what it is for, and what is wrong with the one that is here.
about() {
  case $1 in
  compiler) echo "a C compiler: SQLite is compiled into zkdeck" ;;
  rust) echo "Rust $RUST_MIN or newer: zkdeck is written in it${rust_fault:+ ($rust_fault)}" ;;
  rust-tools) echo "Rust $RUST_MIN or newer with rustfmt and clippy: they check the source${rust_fault:+ ($rust_fault)}" ;;
  java) echo "Java $JAVA_MIN or newer: ZooKeeper runs on it ($java_fault)" ;;
  maven) echo "Maven: it fetches ZooKeeper's jars" ;;
  curl) echo "curl: it asks the stack over HTTP" ;;
  shellcheck) echo "shellcheck: it checks the scripts" ;;
  strace) echo "strace: it makes system calls fail" ;;
  setpriv) echo "setpriv: with it servers do not outlive the tests" ;;
  mkfs.ext4) echo "mkfs.ext4: the power is cut on a file system of its own" ;;
  python3) echo "Python 3: it makes the call that cuts the power, and the measurements over REST" ;;
  esac
}

# need THING...: installs what is missing of these, all by one command, and says what and why. A thing with a
# question mark behind it is done without where it cannot be had.
need() {
  local thing packages rust='' must=''
  local -a lines=() install=() root=()
  for thing in "$@"; do have "${thing%\?}" || lines+=("$thing"); done
  [ ${#lines[@]} != 0 ] || return 0
  say "looking for what is missing here: ${lines[*]%\?}"
  refresh
  say "missing here:"
  for thing in "${lines[@]}"; do
    packages=$(packages_of "${thing%\?}")
    read -ra root <<<"$packages"
    install+=(${root[@]+"${root[@]}"})
    case $thing in
    rust | rust-tools)
      rust=$thing
      packages="${packages:+$packages, then }rustup: Rust $RUST_PIN into target/tools/rust"
      ;;
    esac
    case $thing in
    *\?) ;;
    *) must=yes ;;
    esac
    say "  $(about "${thing%\?}") -> ${packages:-no package of this system is known}"
  done
  if [ ${#install[@]} != 0 ]; then install_packages "$must" "${install[@]}"; fi
  [ -z "$rust" ] || install_rust
  for thing in "$@"; do
    have "${thing%\?}" && continue
    case $thing in
    *\?) say "going on without $(about "${thing%\?}")" ;;
    *) die "still missing: $(about "$thing"). Install it and try again" ;;
    esac
  done
}

# install_packages MUST PACKAGE...
install_packages() {
  local must=$1 command root
  local -a words
  shift
  command="$(installer) $*"
  if [ -z "$SYSTEM" ]; then
    die "this system has no package tool that is known here (apt-get, dnf, zypper, pacman, apk, brew). Install the above, then try again"
  fi
  if ! root=$(root_prefix); then
    [ -z "$must" ] || die "installing needs root. Type as root, then try again: $command"
    return 0
  fi
  read -ra words <<<"$root${root:+ }$command"
  say "installing: ${words[*]}"
  [ "$root" != sudo ] || sudo -v || true
  # sudo keeps no environment.
  if [ "$SYSTEM" = apt-get ]; then read -ra words <<<"$root${root:+ }env DEBIAN_FRONTEND=noninteractive $command"; fi
  long "installing ${#} packages" "1 to 3 minutes" quietly "${words[@]}" && return
  [ -z "$must" ] || die "the packages could not be installed; the lines above say why. Mend that, or type: $root${root:+ }$command"
}

# The major version of a java; nothing when it does not run.
java_major() {
  local text
  text=$("$1" -version 2>&1) || return 0
  # Java 8 calls itself 1.8.
  sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' <<<"$text" | head -n 1
}

# Finds a java that is new enough, as zkdeck looks for it: JAVA_HOME, then the PATH; else one that is installed
# beside it. Sets java_fault.
java_fault=
find_java() {
  local java=java major folder
  [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
  major=$(java_major "$java")
  [ "${major:-0}" -lt "$JAVA_MIN" ] || return 0
  if [ -n "$major" ]; then java_fault="the Java here is version $major"; else java_fault="no Java found"; fi
  if [ -n "${JAVA_HOME:-}" ]; then
    java_fault+=" in JAVA_HOME=$JAVA_HOME: unset it, or set it to a newer one"
    return 1
  fi
  # shellcheck disable=SC2086 # patterns, to be filled in
  for folder in $JAVA_PLACES; do
    [ -x "$folder/bin/java" ] || continue
    major=$(java_major "$folder/bin/java")
    if [ "${major:-0}" -ge "$JAVA_MIN" ]; then
      export JAVA_HOME=$folder
      return 0
    fi
  done
  return 1
}

# Whether version $1 is at least $2.
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Finds a Rust that is new enough and has these programs: the user's own, else the one in target/tools. Asking
# downloads nothing. Sets PATH and rust_fault.
rust_fault=
find_rust() {
  local folder found lacks own=$TOOLS/rust
  rust_fault=
  for folder in '' "${HOME:-/nonexistent}/.cargo/bin" "$own"/rustup/toolchains/*/bin; do
    [ -z "$folder" ] || [ -x "$folder/cargo" ] || continue
    found=$(cd "$ROOT" && PATH=${folder:+$folder:}$PATH RUSTUP_AUTO_INSTALL=0 rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
    [ -n "$found" ] || continue
    if ! at_least "$found" "$RUST_MIN"; then
      rust_fault=${rust_fault:-the Rust here is $found}
      continue
    fi
    lacks=$(lacking "$folder" "$@")
    if [ -n "$lacks" ]; then
      rust_fault=${rust_fault:-the Rust here, $found, has no $lacks}
      continue
    fi
    PATH=${folder:+$folder:}$PATH
    export PATH
    case $folder in
    "$own"/*) [ -n "${CARGO_HOME:-}" ] || [ -e "${HOME:-/nonexistent}/.cargo" ] || export CARGO_HOME=$own/cargo ;;
    esac
    return 0
  done
  return 1
}

# The first of these programs that does not answer, with the folder before the PATH.
lacking() {
  local folder=$1 program
  shift
  for program in "$@"; do
    if ! (cd "$ROOT" && PATH=${folder:+$folder:}$PATH RUSTUP_AUTO_INSTALL=0 "$program" --version >/dev/null 2>&1); then
      printf '%s\n' "$program"
      return
    fi
  done
}

# The rustup of the user or of the distribution.
rustup_program() {
  local program
  for program in rustup "${HOME:-/nonexistent}/.cargo/bin/rustup" rustup-init \
    /opt/homebrew/opt/rustup/bin/rustup /home/linuxbrew/.linuxbrew/opt/rustup/bin/rustup; do
    if command -v "$program" >/dev/null; then
      printf '%s\n' "$program"
      return
    fi
  done
  return 1
}

# The pinned Rust into target/tools/rust: nothing of the user's is changed.
install_rust() {
  local own=$TOOLS/rust program script
  local -a at=(env "RUSTUP_HOME=$own/rustup" "CARGO_HOME=$own/cargo" RUSTUP_INIT_SKIP_PATH_CHECK=yes)
  local -a init=(-y --no-modify-path --default-toolchain "$RUST_PIN" --profile minimal --component rustfmt --component clippy)
  local what="installing Rust $RUST_PIN into target/tools/rust" usually="about a minute: 150 MB are fetched"
  local failed="Rust $RUST_PIN could not be installed; the lines above say why. Check the network and try again, or install Rust $RUST_MIN or newer your own way"
  mkdir -p "$own"
  program=$(rustup_program) || program=
  case $program in
  '')
    script=$own/rustup-init.sh
    long "fetching rustup's installer from $RUSTUP_INIT" "some seconds" fetch "$RUSTUP_INIT" "$script" || die "$failed"
    long "$what" "$usually" "${at[@]}" sh "$script" "${init[@]}" </dev/null || die "$failed"
    ;;
  *rustup-init) long "$what" "$usually" "${at[@]}" "$program" "${init[@]}" </dev/null || die "$failed" ;;
  *)
    long "$what" "$usually" "${at[@]}" "$program" toolchain install "$RUST_PIN" --profile minimal \
      --component rustfmt --component clippy --no-self-update </dev/null || die "$failed"
    ;;
  esac
}

# fetch ADDRESS FILE: by curl or wget; what is to come over TLS comes over nothing else.
fetch() {
  local -a safe=()
  if command -v curl >/dev/null; then
    case $1 in https:*) safe=(--proto '=https' --tlsv1.2) ;; esac
    curl ${safe[@]+"${safe[@]}"} -fsSL --retry 3 -o "$2" "$1"
  else
    wget -q -O "$2" "$1"
  fi
}

# --- ZooKeeper's jars -------------------------------------------------------------------------------

jars_stamp() { sha256sum <"$ROOT/scripts/ensemble/pom.xml" | cut -d ' ' -f 1; }

# Whether ZooKeeper's jars are here, or the user has said where.
have_jars() { [ -n "${ZKDECK_JARS:-}" ] || [ "$(cat "$JARS/.complete" 2>/dev/null)" = "$(jars_stamp)" ]; }

# ZooKeeper's jars, fetched once for each version of the list.
need_jars() {
  if ! have_jars; then
    rm -rf "$JARS" "$JARS.part"
    mkdir -p "$JARS.part"
    long "fetching ZooKeeper's jars into target/zookeeper-jars" "1 to 2 minutes" \
      quietly mvn -q -B -C -Dstyle.color=never -f "$ROOT/scripts/ensemble/pom.xml" dependency:copy-dependencies \
      -DoutputDirectory="$JARS.part" ||
      die "ZooKeeper's jars could not be fetched; check the network, or set ZOOKEEPER_HOME to an unpacked Apache ZooKeeper"
    jars_stamp >"$JARS.part/.complete"
    mv "$JARS.part" "$JARS"
  fi
  export ZKDECK_JARS=${ZKDECK_JARS:-$JARS}
}
