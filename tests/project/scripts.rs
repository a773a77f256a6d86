//! `scripts/run` on machines that lack everything, by stand-ins of their package tools (`fakes.sh`): what is
//! missing is said in one list and installed by one command, Rust into the project's own folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What every system has, or the scripts could not begin.
const BASE: &str = "awk bash cat chmod cut dirname env grep head ln mkdir mktemp mv nice rm sed sh sha256sum sort tail tee timeout tr uname";
/// A machine of which the test says what is there.
struct Machine {
    folder: TempDir,
}

impl Machine {
    /// With this package tool, these packages in its list, and nothing installed; root is at work.
    fn new(tool: &str, packages: &[&str]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["bin", "home", "apart", "project/scripts/ensemble"] {
            fs::create_dir_all(machine.at(folder)).unwrap();
        }
        for file in ["Cargo.toml", "scripts/run", "scripts/ensemble/pom.xml"] {
            fs::copy(source.join(file), machine.at("project").join(file)).unwrap();
        }
        fs::copy(source.join("tests/scripts/fakes.sh"), machine.at("fakes.sh")).unwrap();
        // The Java of the machine that tests is none of this one's.
        let lib = fs::read_to_string(source.join("scripts/lib.sh")).unwrap();
        let apart = lib.replace("'/usr/lib/jvm/* ", &format!("'{}/jvm/* ", machine.folder.path().display()));
        assert_ne!(lib, apart, "scripts/lib.sh looks for Java elsewhere");
        fs::write(machine.at("project/scripts/lib.sh"), apart).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        for name in BASE.split(' ') {
            let real = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists());
            symlink(
                real.unwrap_or_else(|| unreachable!("{name} is on no folder of PATH")),
                machine.at("bin").join(name),
            )
            .unwrap();
        }
        for name in ["id", "sleep", tool, if tool == "apt-get" { "apt-cache" } else { tool }] {
            machine.add(name);
        }
        fs::write(machine.at("packages"), packages.join("\n") + "\n").unwrap();
        fs::write(machine.at("calls"), "").unwrap();
        machine.set("uid", "0");
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&self, name: &str, text: &str) {
        fs::write(self.at(name), format!("{text}\n")).unwrap();
    }

    /// Puts a stand-in on the PATH.
    fn add(&self, name: &str) {
        let link = self.at("bin").join(name);
        if !link.exists() {
            symlink(self.at("fakes.sh"), link).unwrap();
        }
    }

    /// With a Rust of the user's own.
    fn rust(&self, version: &str) {
        for name in ["cargo", "rustc"] {
            self.add(name);
        }
        self.set("bin/version", version);
    }

    /// With all but Rust.
    fn all_but_rust(&self) {
        for name in ["cc", "java", "mvn"] {
            self.add(name);
        }
        self.set("java", "21");
    }

    /// Runs a line of bash in the project, without a terminal.
    fn run(&self, line: &str, more: &[(&str, &str)]) -> Output {
        let mut command = Command::new(self.at("bin/bash"));
        command.args(["-c", line]).current_dir(self.at("project")).env_clear().stdin(Stdio::null());
        command.env("PATH", self.at("bin")).env("HOME", self.at("home")).env("SANDBOX", self.folder.path());
        command.envs(more.iter().copied()).output().unwrap()
    }

    fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.at("calls")).unwrap().lines().map(str::to_owned).collect()
    }

    /// The calls of a program.
    fn calls_of(&self, start: &str) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.starts_with(start)).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Serves one file as often as it is asked for; the address of it.
fn serve(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/rustup-init", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // All of the request: a connection that is closed with some of it unread is reset.
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let asked: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let known = asked.first().is_some_and(|line| line.contains(" /rustup-init "));
            let status = if known { "200 OK" } else { "404 No" };
            write!(stream, "HTTP/1.0 {status}\r\n\r\n{text}").unwrap();
        }
    });
    address
}

/// Does what rustup's installer does, by the stand-in of that name.
const INSTALLER: &str = "#!/bin/sh\nln -sf \"$SANDBOX/fakes.sh\" \"$SANDBOX/apart/rustup-init\"\n\
                         exec \"$SANDBOX/apart/rustup-init\" \"$@\"\n";

#[test]
fn each_system_gets_all_that_is_missing_by_one_command_of_its_own() {
    let table: &[(&str, &str, &str, &str)] = &[
        (
            "apt-get",
            "openjdk-17-jre-headless gcc maven",
            "rustup",
            "install -y --no-install-recommends gcc libc6-dev curl ca-certificates openjdk-17-jre-headless maven",
        ),
        (
            "apt-get",
            "openjdk-21-jre-headless gcc maven rustup",
            "rustup",
            "install -y --no-install-recommends gcc libc6-dev rustup openjdk-21-jre-headless maven",
        ),
        (
            "dnf",
            "java-25-openjdk-headless rustup",
            "rustup-init",
            "install -y gcc glibc-devel rustup java-25-openjdk-headless maven",
        ),
        (
            "zypper",
            "java-21-openjdk-headless rustup",
            "rustup",
            "--non-interactive install --no-recommends gcc glibc-devel rustup java-21-openjdk-headless maven",
        ),
        (
            "pacman",
            "jre21-openjdk-headless rustup",
            "rustup",
            "-S --needed --noconfirm gcc rustup jre21-openjdk-headless maven",
        ),
        ("apk", "openjdk21-jre-headless rustup", "rustup-init", "add gcc musl-dev rustup openjdk21-jre-headless maven"),
    ];
    let installer = serve(INSTALLER);
    for (tool, packages, rustup, expected) in table {
        let machine = Machine::new(tool, &packages.split(' ').collect::<Vec<_>>());
        let output = machine.run("scripts/run", &[("ZKDECK_RUSTUP_INIT", &installer), ("FAKE_RUSTUP", rustup)]);
        assert!(done(&output).starts_with("zkdeck --local --daemon,"), "{tool}: {}", said(&output));
        let installs: Vec<_> = machine.calls_of(tool).into_iter().filter(|call| call.ends_with(" maven")).collect();
        assert_eq!(installs, [format!("{tool} {expected}")]);
        let text = said(&output);
        for what in ["a C compiler", "Java 17 or newer", "no Java found", "Maven", "Rust 1.91 or newer"] {
            assert_eq!(text.matches(what).count(), 1, "{tool}: {what}: {text}");
        }
        assert!(!text.contains("version 0"), "{text}");
        let own = machine.at("project/target/tools/rust/rustup/toolchains/1.95.0-here/bin/cargo");
        assert!(own.exists(), "{tool}: no Rust in the project's folder");
        // The second start finds everything.
        machine.set("calls", "");
        let again = machine.run("scripts/run --read-only", &[]);
        assert!(done(&again).starts_with("zkdeck --local --daemon --read-only,"));
        assert_eq!(machine.calls_of(tool), Vec::<String>::new());
        assert!(!said(&again).contains("missing"), "{}", said(&again));
    }
}

#[test]
fn homebrew_is_asked_as_the_user() {
    let machine = Machine::new("brew", &["openjdk@21", "rustup"]);
    machine.set("uid", "501");
    let output = machine.run(". scripts/lib.sh; need rust java maven", &[]);
    done(&output);
    assert_eq!(machine.calls_of("brew install"), ["brew install rustup openjdk@21 maven"]);
    assert_eq!(machine.calls_of("sudo"), Vec::<String>::new());
}

#[test]
fn without_root_one_command_is_said_and_nothing_is_done() {
    for sudo in [false, true] {
        let machine = Machine::new("dnf", &["java-21-openjdk-headless", "rustup"]);
        machine.set("uid", "1000");
        if sudo {
            machine.add("sudo");
            machine.set("sudo-asks", "");
        }
        let output = machine.run("scripts/run", &[]);
        assert!(!output.status.success());
        let command = "dnf install -y gcc glibc-devel rustup java-21-openjdk-headless maven";
        assert!(said(&output).ends_with(&format!("Type as root, then try again: {command}\n")), "{}", said(&output));
        assert_eq!(machine.calls_of("dnf install"), Vec::<String>::new());
    }
}

#[test]
fn sudo_that_asks_nothing_is_used() {
    let machine = Machine::new("apt-get", &["openjdk-17-jre-headless", "rustup"]);
    machine.set("uid", "1000");
    machine.add("sudo");
    done(&machine.run("scripts/run", &[]));
    assert_eq!(machine.calls_of("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install").len(), 1);
    let installs = machine.calls_of("apt-get install");
    assert_eq!(
        installs,
        ["apt-get install -y --no-install-recommends gcc libc6-dev rustup openjdk-17-jre-headless maven"]
    );
    assert_eq!(machine.calls_of("sudo -n apt-get update").len(), 1);
}

#[test]
fn the_users_rust_is_used_as_it_is_when_it_is_new_enough() {
    for version in ["1.91.0", "1.95.0", "1.104.1"] {
        let machine = Machine::new("apt-get", &["rustup"]);
        machine.all_but_rust();
        machine.rust(version);
        machine.add("rustup");
        let output = machine.run("scripts/run", &[]);
        assert!(done(&output).ends_with("cargo in the usual place\n"));
        assert!(!machine.at("project/target/tools/rust").exists());
        assert_eq!(machine.calls_of("rustup"), Vec::<String>::new(), "{version}");
    }
}

#[test]
fn a_rust_that_is_too_old_stays_and_is_not_used() {
    let installer = serve(INSTALLER);
    let machine = Machine::new("apt-get", &["rustup"]);
    machine.all_but_rust();
    machine.rust("1.63.0");
    machine.add("wget");
    let output = machine.run("scripts/run", &[("ZKDECK_RUSTUP_INIT", &installer)]);
    let own = machine.at("project/target/tools/rust/cargo");
    assert!(done(&output).ends_with(&format!("cargo in {}\n", own.display())), "{}", said(&output));
    assert!(said(&output).contains("(the Rust here is 1.63.0)"), "{}", said(&output));
    // Debian's rustup would take the place of Debian's rustc.
    assert_eq!(machine.calls_of("apt-get install"), Vec::<String>::new());
    assert_eq!(machine.calls_of("rustup-init").len(), 1);
}

#[test]
fn a_rust_without_what_checks_is_not_enough_for_the_tests() {
    let machine = Machine::new("apt-get", &[]);
    machine.rust("1.95.0");
    machine.add("rustup");
    let output = machine.run(". scripts/lib.sh; need rust-tools; command -v cargo-clippy", &[]);
    assert!(done(&output).contains("/target/tools/rust/"), "{}", said(&output));
    assert!(said(&output).contains("(the Rust here, 1.95.0, has no cargo-fmt)"), "{}", said(&output));
    let asked = machine.calls_of("rustup toolchain install");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains(" 1.95.0 ") && asked[0].contains(" clippy"), "{asked:?}");
}

#[test]
fn an_installer_that_cannot_be_had_is_said_with_what_to_do() {
    let wrong = serve(INSTALLER).replace("rustup-init", "nothing");
    for address in [wrong.as_str(), "https://127.0.0.1:1/"] {
        let machine = Machine::new("apt-get", &[]);
        machine.all_but_rust();
        machine.add("curl");
        let output = machine.run("scripts/run", &[("ZKDECK_RUSTUP_INIT", address)]);
        assert!(!output.status.success());
        let text = said(&output);
        assert!(text.contains(address) && text.contains("Rust 1.95.0 could not be installed"), "{text}");
        assert_eq!(machine.calls_of("cargo build"), Vec::<String>::new());
    }
    let machine = Machine::new("apt-get", &[]);
    let output = machine.run(". scripts/lib.sh; echo $RUSTUP_INIT", &[]);
    assert_eq!(done(&output), "https://sh.rustup.rs\n");
}

#[test]
fn an_old_java_is_told_from_none() {
    let install = "apt-get install -y --no-install-recommends openjdk-21-jre-headless";
    let machine = Machine::new("apt-get", &["openjdk-21-jre-headless"]);
    machine.all_but_rust();
    machine.rust("1.95.0");
    for (told, version) in [("1.8.0_402", "8"), ("21.0.2", "21"), ("1.8.0", "8")] {
        machine.set("java", told);
        assert_eq!(done(&machine.run(". scripts/lib.sh; java_major java", &[])), format!("{version}\n"), "{told}");
    }
    machine.set("java", "11");
    let output = machine.run("scripts/run", &[]);
    done(&output);
    assert!(said(&output).contains("(the Java here is version 11)"), "{}", said(&output));
    assert_eq!(machine.calls_of("apt-get install"), [install]);
    // What JAVA_HOME names is what zkdeck takes: no package changes that.
    let output = machine.run("scripts/run", &[("JAVA_HOME", "/nowhere")]);
    assert!(!output.status.success());
    assert!(said(&output).contains("no Java found in JAVA_HOME=/nowhere: unset it"), "{}", said(&output));
    // One that is installed and not on the path.
    fs::remove_file(machine.at("bin/java")).unwrap();
    fs::create_dir_all(machine.at("jvm/java-17/bin")).unwrap();
    symlink(machine.at("fakes.sh"), machine.at("jvm/java-17/bin/java")).unwrap();
    let output = machine.run("scripts/run", &[]);
    assert!(done(&output).contains("/jvm/java-17,"), "{}", said(&output));
}

#[test]
fn packages_that_cannot_be_installed_are_told_with_the_reason() {
    let machine = Machine::new("apk", &["openjdk21-jre-headless"]);
    machine.set("broken", "");
    let output = machine.run("scripts/run", &[]);
    assert!(!output.status.success());
    let text = said(&output);
    assert!(text.contains("apk: the mirror does not answer"), "{text}");
    assert!(text.contains("or type: apk add gcc musl-dev "), "{text}");
}

#[test]
fn what_is_only_useful_is_done_without() {
    let machine = Machine::new("apt-get", &["shellcheck"]);
    machine.set("broken", "");
    let output = machine.run(". scripts/lib.sh; need 'shellcheck?'; echo on", &[]);
    assert_eq!(done(&output), "on\n");
    assert!(said(&output).contains("going on without shellcheck"), "{}", said(&output));
}

#[test]
fn a_system_without_a_known_tool_gets_the_list() {
    let machine = Machine::new("nix", &[]);
    let output = machine.run("scripts/run", &[]);
    assert!(!output.status.success());
    let text = said(&output);
    assert_eq!(text.matches(" -> ").count(), 4, "{text}");
    assert!(text.contains("no package tool that is known here"), "{text}");
}

/// With all that `scripts/test` uses, a network or none, and what `cargo test` prints.
fn tested(tests: &str) -> Machine {
    let machine = Machine::new("dnf", &[]);
    machine.all_but_rust();
    machine.rust("1.95.0");
    for name in ["cargo-fmt", "cargo-clippy", "shellcheck", "promtool"] {
        machine.add(name);
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let empty = ["project/.ci", "project/docker", "project/tests/scripts", "project/tests/fixtures"];
    for folder in empty.into_iter().chain(["project/monitoring/grafana/dashboards"]) {
        fs::create_dir_all(machine.at(folder)).unwrap();
    }
    let others = ["scripts/faults", "scripts/test-stack", "docker/entrypoint.sh", "docker/zkdeck.sh"];
    for file in ["scripts/test", ".ci/run", "tests/scripts/fakes.sh"].iter().chain(&others) {
        fs::copy(source.join(file), machine.at("project").join(file)).unwrap();
    }
    fs::write(machine.at("project/monitoring/grafana/dashboards/one.json"), "{}").unwrap();
    fs::write(machine.at("project/tests/fixtures/prometheus-queries.txt"), "up\n").unwrap();
    machine.set("tests", tests);
    machine
}

const PASSED: &str = "test a ... ok\ntest b ... ignored, takes long: scripts/faults runs it\n\
                      test result: ok. 7 passed; 0 failed; 1 ignored";

#[test]
fn a_check_that_could_not_run_has_not_passed() {
    let machine = tested(PASSED);
    let text = done(&machine.run("bash .ci/run", &[]));
    assert!(text.ends_with("ci: 7 tests passed, none skipped\n"), "{text}");
    assert!(text.contains("\n  b: takes long: scripts/faults runs it\n"), "what did not run is not named: {text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("ok ")).count(), 11, "{text}");
    let runs = machine.calls_of("cargo test");
    assert!(runs.iter().any(|call| call.contains(" --lib ")) && runs.iter().any(|call| call.contains(" --test ")));

    // Known weaknesses are fetched from the network: the only check that may be skipped, and it is said.
    machine.set("no-network", "");
    let text = done(&machine.run("bash .ci/run", &[]));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("ci: 7 tests passed, none skipped; NOT CHECKED: cargo deny: known weaknesses"), "{last}");
    assert!(text.contains("\nskipped cargo deny: known weaknesses"), "{text}");

    for missing in ["promtool", "shellcheck"] {
        let machine = tested(PASSED);
        fs::remove_file(machine.at("bin").join(missing)).unwrap();
        machine.set("broken", "");
        let output = machine.run("bash .ci/run", &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.contains("\nskipped "), "without {missing}: {text}");
        assert!(text.ends_with("ci: the checks above could not run; here they have to\n"), "{text}");
        assert!(machine.run("scripts/test", &[]).status.success(), "who has no {missing} may test the rest");
    }
    for (tests, word) in [
        (
            "SKIPPED: no root\ntest result: ok. 7 passed; 0 failed",
            "ci: the tests above could not run; here all have to",
        ),
        ("nothing", "ci: no test was run"),
    ] {
        let output = tested(tests).run("bash .ci/run", &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.ends_with(&format!("{word}\n")), "{text}");
    }
}

#[test]
fn tests_that_fail_or_warn_have_not_passed() {
    let lanes = [" --lib ", " --test faults ", " --test * ", " --doc "].map(|lane| ("tests-fail", lane, "cargo test"));
    for (sign, text, step) in lanes.into_iter().chain([("warning", "warning: unused", "building the tests")]) {
        let machine = tested(PASSED);
        machine.set(sign, text);
        let output = machine.run("bash .ci/run", &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed = !output.status.success() && text.contains(&format!("\nFAILED  {step} ("));
        assert!(failed, "{sign}: {text}");
        assert!(text.contains("tests: 7 passed"), "the others ran: {text}");
    }
}

/// The package is unpacked and not installed: it would start a service. Nothing has made `target/tools` before.
#[test]
fn promtool_is_fetched_where_there_is_apt() {
    for listed in [true, false] {
        let machine = tested(PASSED);
        fs::remove_file(machine.at("bin/dnf")).unwrap();
        fs::remove_file(machine.at("bin/promtool")).unwrap();
        for name in ["apt-get", "apt-cache", "dpkg-deb"] {
            machine.add(name);
        }
        if listed {
            machine.set("packages", "prometheus");
        }
        let alone = r#". scripts/lib.sh; eval "$(sed -n '/^need_promtool()/,/^}/p' scripts/test)"; need_promtool"#;
        let output = machine.run(alone, &[]);
        let own = machine.at("project/target/tools/prometheus/usr/bin/promtool");
        assert_eq!((output.status.success(), own.exists()), (listed, listed), "{}", said(&output));
        assert_eq!(machine.calls_of("apt-get download").len(), 1);
        machine.set("calls", "");
        let text = done(&machine.run("scripts/test", &[]));
        let word = if listed { "ok " } else { "skipped " };
        let line = text.lines().find(|line| line.contains("Prometheus' rules")).unwrap();
        assert!(line.starts_with(word), "{line}");
        assert_eq!(machine.calls_of("promtool test rules").len(), usize::from(listed));
        assert_eq!(machine.calls_of("apt-get download").is_empty(), listed, "it is fetched once");
        assert_eq!(machine.calls_of("apt-get install"), Vec::<String>::new());
        assert_eq!(machine.calls_of("apt-get update").is_empty(), listed, "a list that names it is not fetched anew");
    }
}

#[test]
fn every_script_calls_what_there_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let lib = fs::read_to_string(folder.join("lib.sh")).unwrap();
    for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&file).unwrap();
        for call in text.lines().filter(|line| line.starts_with("need")) {
            let name = call.split([' ', '(']).next().unwrap();
            let made = format!("\n{name}() {{");
            assert!(lib.contains(&made) || text.contains(&made), "{}: nothing is called {name}", file.display());
        }
    }
}

/// A command that goes on until the script has said that it does.
#[test]
fn what_takes_long_is_not_silent() {
    let machine = Machine::new("apt-get", &[]);
    let line = ". scripts/lib.sh; waits() { until grep -q 'waiting: .* so far' err; do :; done; }; \
                long waiting 'about a minute' waits 2>err; long waiting 'about a minute' true 2>>err; cat err";
    let text = done(&machine.run(line, &[]));
    assert!(text.starts_with("zkdeck: waiting (takes about a minute)\n"), "{text}");
    assert!(text.contains("zkdeck: waiting: done in "), "{text}");
    assert!(text.contains(" last time)\n"), "{text}");
    let pauses = machine.calls_of("sleep");
    assert!(pauses.iter().all(|pause| pause == "sleep 12"), "silent for longer than 15 s: {pauses:?}");
}
