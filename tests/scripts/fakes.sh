#!/usr/bin/env bash
# The package tools, the download tools and what they install, as stand-ins: called by many names, it does what the
# program of that name would do to the sandbox in $SANDBOX, and writes each call into $SANDBOX/calls.
set -euo pipefail
name=${0##*/}
printf '%s\n' "$name $*" >>"$SANDBOX/calls"

become() { for program in "$@"; do ln -sf "$SANDBOX/fakes.sh" "$SANDBOX/bin/$program"; done; }

# What a package brings.
bring() {
  local package
  for package in "$@"; do
    case $package in
    gcc) become cc ;;
    openjdk* | jre* | java-*)
      become java
      echo 21 >"$SANDBOX/java"
      ;;
    maven) become mvn ;;
    curl) become curl ;;
    wget) become wget ;;
    rustup) become "${FAKE_RUSTUP:-rustup}" ;;
    shellcheck | ShellCheck) become shellcheck ;;
    esac
  done
}

# A toolchain as rustup lays it out.
toolchain() {
  local bin=$RUSTUP_HOME/toolchains/$1-here/bin program
  mkdir -p "$bin"
  for program in cargo rustc cargo-fmt cargo-clippy; do ln -sf "$SANDBOX/fakes.sh" "$bin/$program"; done
  printf '%s\n' "$1" >"$bin/version"
}

known() { grep -qx "$1" "$SANDBOX/packages"; }

case "$name $*" in
"apt-get update"* | "apk update"* | "pacman -Sy "*) ;;
"apt-cache policy "*) if known "$2"; then echo "  Candidate: 1.0"; else echo "  Candidate: (none)"; fi ;;
"dnf -q list "*) known "$3" ;;
"zypper --non-interactive --quiet search "*) known "$5" ;;
"pacman -Si "*) known "$2" ;;
"apk search "*) if known "$4"; then echo "$4"; fi ;;
"brew info --formula "*) known "$3" ;;
"apt-get install "* | "dnf install "* | "zypper --non-interactive install "* | "pacman -S "* | "apk add "* | "brew install "*)
  if [ -e "$SANDBOX/broken" ]; then
    echo "$name: the mirror does not answer" >&2
    exit 1
  fi
  bring "$@"
  ;;
"apt-get download "*)
  known "${!#}" || exit 100
  : >"${!#}_1.0_all.deb"
  ;;
"dpkg-deb -x "*)
  # As the real one: it makes the last folder of the path, and none above it.
  [ -e "$2" ] || exit 2
  [ -d "$3" ] || mkdir "$3"
  case $2 in
  */prometheus_*)
    mkdir -p "$3/usr/bin"
    ln -sf "$SANDBOX/fakes.sh" "$3/usr/bin/promtool"
    ;;
  esac
  ;;
"sudo -n true") [ ! -e "$SANDBOX/sudo-asks" ] ;;
"sudo -n "*) shift && exec "$@" ;;
"id -u") cat "$SANDBOX/uid" ;;
"java -version") echo "openjdk version \"$(cat "$SANDBOX/java")\"" >&2 ;;
"mvn "*)
  for word in "$@"; do
    case $word in -DoutputDirectory=*) : >"${word#*=}/zookeeper.jar" ;; esac
  done
  ;;
"curl "* | "wget "*)
  # One request over a real connection: ADDRESS is the last word or, for wget, too; the file comes after -o or -O.
  address=${!#} file=
  while [ $# -gt 1 ]; do
    case $1 in -o | -O) file=$2 ;; esac
    shift
  done
  case $address in http://127.0.0.1:*) ;; *) exit 6 ;; esac
  place=${address#http://}
  exec 3<>"/dev/tcp/127.0.0.1/$(cut -d : -f 2 <<<"${place%%/*}")"
  printf 'GET /%s HTTP/1.0\r\n\r\n' "${place#*/}" >&3
  IFS= read -r status <&3
  case $status in *" 200 "*) ;; *) exit 22 ;; esac
  while IFS= read -r line <&3 && [ -n "${line%$'\r'}" ]; do :; done
  cat <&3 >"$file"
  ;;
"rustup toolchain install "*) toolchain "$3" ;;
"rustup-init -y --no-modify-path --default-toolchain "*) toolchain "$4" ;;
"rustc --version") echo "rustc $(cat "$(dirname "$0")/version") (stand-in)" ;;
"cargo build "*)
  mkdir -p target/release
  ln -sf "$SANDBOX/fakes.sh" target/release/zkdeck
  ;;
"cargo"*" --version" | "cargo fmt --check" | "cargo clippy "* | "cargo doc "* | "cargo deny --locked check "* | "promtool "*) ;;
"cargo install "*) become cargo-deny ;;
"cargo deny --locked fetch db") [ ! -e "$SANDBOX/no-network" ] ;;
"cargo test --locked --no-run") if [ -e "$SANDBOX/warning" ]; then cat "$SANDBOX/warning"; fi ;;
"cargo test "*)
  case "$* " in *" --lib "*) cat "$SANDBOX/tests" ;; esac
  # Fails where it is run with the words that the file holds.
  [ ! -e "$SANDBOX/tests-fail" ] || case "$* " in *"$(cat "$SANDBOX/tests-fail")"*) exit 101 ;; esac
  ;;
"zkdeck "*) echo "zkdeck $*, java ${JAVA_HOME:-on the path}, cargo in ${CARGO_HOME:-the usual place}" ;;
"sleep "* | "cc "* | "shellcheck "*) ;;
*)
  echo "fakes.sh: nobody is expected to call: $name $*" >&2
  exit 99
  ;;
esac
