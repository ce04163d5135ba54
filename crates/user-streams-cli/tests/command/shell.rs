//! `backends`, `ping`, `completions`, `man` and the help.

use std::process::Command;

use crate::support::{Home, PROGRAM, run};

#[test]
fn the_backends_are_listed_with_their_versions_and_what_the_one_here_can_do() {
    let home = Home::new();
    let text = home.ok(&["backends"]);
    let version = env!("CARGO_PKG_VERSION");
    for expected in [
        format!("memory {version}  memory\n"),
        format!("redis {version}  redis"),
        format!("many-to-many {version}  "),
        "\nsingle-table on sqlite, ids of the kind bigint\n".to_owned(),
        "  list_users          yes\n".to_owned(),
        "  purge               no\n".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected:?} in:\n{text}");
    }
    let mut alone = home.command(&["backends"]);
    let alone = run(alone.env_remove("USER_STREAMS_BACKEND")).ok();
    assert!(text.starts_with(&alone) && !alone.contains("list_users"), "{alone}");
}

#[test]
fn ping_says_whether_the_storage_answers() {
    let home = Home::new();
    assert!(home.ok(&["ping"]).starts_with("single-table answers after "));
}

#[test]
fn every_shell_has_completions_that_name_the_commands() {
    let home = Home::unmigrated("", &[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(home.ok(&["completions", shell]).contains("mark-read"), "{shell}");
    }
}

#[test]
fn there_is_a_man_page_of_the_program_and_of_each_command() {
    let home = Home::unmigrated("", &[]);
    let page = home.ok(&["man"]);
    assert!(page.contains(".TH user") && page.contains("mark\\-read"), "{page}");
    assert!(home.ok(&["man", "add"]).contains("id\\-from\\-event"));
    assert!(home.run(&["man", "nonsense"]).error(2).contains("nonsense"));
}

#[test]
fn every_command_is_in_the_help_and_the_exit_codes_are() {
    let home = Home::unmigrated("", &[]);
    let help = home.ok(&["--help"]);
    for word in ["add", "list", "watch", "restore", "Exit codes", "75", "--backend", "--config"] {
        assert!(help.contains(word), "{word} in:\n{help}");
    }
    assert_eq!(home.run(&[]).code, Some(2));
    assert_eq!(home.run(&["nonsense"]).code, Some(2));
    assert_eq!(home.ok(&["--version"]), format!("user-streams {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_is_coloured_where_nobody_sees_it_or_wants_it() {
    // `script` gives it a terminal.
    let line = format!("{PROGRAM} --help");
    let on_a_terminal = |no_color: Option<&str>| {
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env_clear().env("TERM", "xterm");
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let output = command.output().expect("`script` of util-linux");
        String::from_utf8_lossy(&output.stdout).contains('\u{1b}')
    };
    assert!(on_a_terminal(None));
    assert!(!on_a_terminal(Some("1")));
    let home = Home::unmigrated("", &[]);
    assert!(!home.ok(&["--help"]).contains('\u{1b}'));
}
