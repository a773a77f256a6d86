//! Who uses zkdeck.

/// The name of the account; its number where it has none.
pub(super) fn user_name() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    let uid = rustix::process::getuid().as_raw();
    named.or_else(|| account(uid)).unwrap_or_else(|| format!("uid {uid}"))
}

/// Who sits there, for history: who became root by sudo keeps the own name, and who came over SSH is told from where:
/// `alice as root from 10.0.0.7`.
pub(super) fn person() -> String {
    let variable = |name: &str| std::env::var(name).ok();
    described(&user_name(), variable("SUDO_USER").as_deref(), variable("SSH_CONNECTION").as_deref())
}

fn described(user: &str, sudo: Option<&str>, ssh: Option<&str>) -> String {
    // Both are text from outside, and names are short.
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(64).collect::<String>();
    let sudo = sudo.map(plain).filter(|name| !name.is_empty() && name != user);
    let mut told = sudo.map_or_else(|| user.to_owned(), |name| format!("{name} as {user}"));
    // `client port server port`
    if let Some(from) = ssh.and_then(|ssh| ssh.split_whitespace().next()).map(plain) {
        told.push_str(&format!(" from {from}"));
    }
    told
}

/// The account's name in the local user table; containers and services have no `USER`.
fn account(uid: u32) -> Option<String> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut accounts = table.lines().map(|line| line.split(':').collect::<Vec<_>>());
    accounts.find(|fields| fields.get(2) == Some(&uid.to_string().as_str())).map(|fields| fields[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_became_root_or_came_from_afar_is_told() {
        for (user, sudo, ssh, told) in [
            ("alice", None, None, "alice"),
            ("root", Some("alice"), None, "alice as root"),
            ("root", Some("root"), Some(""), "root"),
            ("root", Some(""), Some("10.0.0.7 51000 10.0.0.1 22"), "root from 10.0.0.7"),
            ("root", Some("al\u{1b}[ice x"), Some("fe80::1 1 2 3"), "al[icex as root from fe80::1"),
        ] {
            assert_eq!(described(user, sudo, ssh), told);
        }
    }
}
