//! Records as another program, another boot, or an accident left them.

mod stage;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use plextrac_emulator::Kind;
use plextrac_transport::{DirectoryStore, ErrorCode, Session, SessionConfig};
use serde_json::{Value, json};
use stage::{Stage, Told, clock_of, private_directory};

/// A minute later, and the seconds by which clocks may disagree, the budget has forgotten what was sent.
const LATER: Duration = Duration::from_secs(70);

/// The state directory of an account that is signed in.
struct State {
    stage: Stage,
    directory: tempfile::TempDir,
}

impl State {
    fn new() -> Self {
        let state = Self { stage: Stage::new(), directory: private_directory() };
        Session::new(&state.config()).unwrap().login().unwrap();
        state
    }

    fn config(&self) -> SessionConfig {
        let mut config = self.stage.service();
        config.state_dir(self.directory.path()).unwrap();
        config
    }

    /// The record of a kind: `t`oken, `a`ccount, `b`udget.
    fn record(&self, kind: char) -> PathBuf {
        let names = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("plextrac-auth-{kind}")) && !name.contains('.')
        };
        names.into_iter().find(is_it).unwrap()
    }

    fn rewrite(&self, kind: char, change: impl FnOnce(&mut Value)) {
        let path = self.record(kind);
        let mut record = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut record);
        fs::write(&path, record.to_string()).unwrap();
    }

    /// What a session that starts now sends for a token: sign-ins and refreshes.
    #[track_caller]
    fn cost(&self) -> (u64, u64) {
        let before = (self.stage.seen(Kind::SignIn), self.stage.seen(Kind::Refresh));
        let session = Session::new(&self.config()).unwrap();
        session.login().unwrap();
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
        (self.stage.seen(Kind::SignIn) - before.0, self.stage.seen(Kind::Refresh) - before.1)
    }
}

#[test]
fn a_record_that_is_damaged_is_none_and_is_mended_by_the_sign_in_it_costs() {
    let state = State::new();
    assert_eq!(state.cost(), (0, 0), "control: a sound one costs nothing");
    let sound = fs::read(state.record('t')).unwrap();
    let damaged: [Vec<u8>; 8] = [
        Vec::new(),
        b"null".to_vec(),
        b"{}".to_vec(),
        sound[..sound.len() / 2].to_vec(),
        [sound.as_slice(), b"x"].concat(),
        vec![0; 1_000],
        vec![b'['; 60_000],
        vec![b' '; 70_000],
    ];
    for content in damaged {
        fs::write(state.record('t'), &content).unwrap();
        assert_eq!(state.cost(), (1, 0), "{:?}…", content.get(..20));
        assert_eq!(state.cost(), (0, 0), "mended");
        state.stage.advance(LATER);
    }
}

#[test]
fn a_record_that_says_what_cannot_be_is_none() {
    let state = State::new();
    let wrong: [(&str, Value); 9] = [
        ("/token", json!("")),
        ("/token", json!("a\r\nX-Evil: 1")),
        ("/token", json!("x".repeat(20_000))),
        ("/token", json!(7)),
        ("/life_ms", json!(-1)),
        ("/life_ms", json!(0)),
        ("/life_ms", json!(u64::MAX)),
        ("/stamp", Value::Null),
        ("/stamp/monotonic", json!("soon")),
    ];
    for (place, value) in wrong {
        state.rewrite('t', |record| *record.pointer_mut(place).unwrap() = value.clone());
        let (sign_ins, refreshes) = state.cost();
        assert!(sign_ins + refreshes <= 2, "{place}: {value}");
        assert_eq!(state.cost(), (0, 0), "{place}: mended");
        state.stage.advance(LATER);
    }
}

#[test]
fn a_record_of_another_version_is_read_as_far_as_it_is_understood() {
    let state = State::new();
    for kind in ['t', 'a', 'b'] {
        state.rewrite(kind, |record| record["of_a_later_version"] = json!({ "x": [1, 2, 3] }));
    }
    assert_eq!(state.cost(), (0, 0));
}

#[test]
fn damaged_memories_of_account_and_budget_stop_nobody() {
    for kind in ['a', 'b'] {
        for content in ["", "nonsense", "{}", "null", "[]"] {
            let state = State::new();
            fs::write(state.record(kind), content).unwrap();
            assert_eq!(state.cost(), (0, 0), "{kind}: {content:?}");
        }
    }
}

#[test]
fn a_budget_from_before_a_reboot_counts_for_one_minute_from_now() {
    let state = State::new();
    state.stage.advance(LATER);
    state.rewrite('b', |record| {
        record["stamp"]["boot"] = json!("an earlier boot");
        for place in ["/stamp/monotonic", "/places/0/until"] {
            let monotonic = record.pointer_mut(place).unwrap();
            *monotonic = json!(monotonic.as_u64().unwrap() + 86_400_000);
        }
    });
    // Another process, which remembers nothing: what this one does goes by the clock.
    let used = || {
        let mut config = state.config();
        config.clock(clock_of(&state.stage.emulator));
        Session::new(&config).unwrap().status().budget_used
    };
    assert_eq!(used(), 1);
    state.stage.advance(LATER);
    assert_eq!(used(), 0);
}

#[test]
fn after_a_reboot_a_token_of_unknown_age_is_used_for_one_refresh_and_no_sign_in() {
    let state = State::new();
    state.rewrite('t', |record| {
        record["stamp"]["boot"] = json!("an earlier boot");
        let monotonic = record["stamp"]["monotonic"].as_u64().unwrap();
        record["stamp"]["monotonic"] = json!(monotonic + 86_400_000);
    });
    assert_eq!(state.cost(), (0, 1));
    assert_eq!(state.cost(), (0, 0));
}

#[test]
fn where_both_clocks_agree_another_boot_is_no_reason_to_send_anything() {
    let state = State::new();
    state.rewrite('t', |record| record["stamp"]["boot"] = json!("the host's name for this boot"));
    assert_eq!(state.cost(), (0, 0));
    // Four seconds apart they still agree; six seconds apart they do not.
    for (apart, cost) in [(4_000, (0, 0)), (6_000, (0, 1))] {
        state.rewrite('t', |record| {
            record["stamp"]["boot"] = json!("another");
            let unix = record["stamp"]["unix"].as_i64().unwrap();
            record["stamp"]["unix"] = json!(unix - apart);
        });
        assert_eq!(state.cost(), cost, "{apart} ms");
    }
}

#[test]
fn what_is_no_file_in_the_way_of_a_record_holds_nobody_up() {
    type Put = fn(&Path);
    let puts: [(&str, Put); 4] = [
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a pipe", |path| {
            assert!(Command::new("mkfifo").arg("-m").arg("600").arg(path).status().unwrap().success());
        }),
        ("a link to nothing", |path| symlink("/nowhere/at/all", path).unwrap()),
        ("a link to a device", |path| symlink("/dev/zero", path).unwrap()),
    ];
    for (what, put) in puts {
        for kind in ['t', 'a', 'b'] {
            let state = State::new();
            let path = state.record(kind);
            fs::remove_file(&path).unwrap();
            put(&path);
            let mut config = state.config();
            config.timeout(Duration::from_secs(5)).unwrap();
            let told = Told::by(&mut config);
            let session = Session::new(&config).unwrap();
            session.login().unwrap_or_else(|error| panic!("{what} for {kind}: {error}"));
            assert!(!told.so_far().is_empty());
            assert!(state.stage.authentications() <= 2, "{what} for {kind}");
        }
    }
}

#[test]
fn a_record_that_others_can_read_is_not_believed() {
    let state = State::new();
    fs::set_permissions(state.record('t'), fs::Permissions::from_mode(0o644)).unwrap();
    let mut config = state.config();
    let told = Told::by(&mut config);
    Session::new(&config).unwrap().login().unwrap();
    let told: Vec<_> = told.so_far().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|event| event.contains("chmod 600")), "{told:?}");
    assert_eq!(state.stage.seen(Kind::SignIn), 2);
    assert_eq!(state.cost(), (0, 0), "the next one is private again");
}

/// Names of the files in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_of_the_user_in_the_state_directory_are_left_alone() {
    let directory = private_directory();
    let digest = "0123456789abcdef".repeat(2);
    let mut users: Vec<_> = ["key", "key.new", "key.lock", "t", "a.lock"].map(str::to_owned).into();
    users.extend([format!("t{digest}"), format!("t{digest}.new"), format!("a{digest}")]);
    let content = |name: &str| format!("-----BEGIN PRIVATE KEY----- {name}");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
    for name in &users {
        let path = directory.path().join(name);
        fs::write(&path, content(name)).unwrap();
        // Private like a file of ours, and so old that a token of ours would be removed.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::File::open(&path).unwrap().set_modified(long_ago).unwrap();
    }
    let stage = Stage::new();
    for _ in 0..2 {
        let mut config = stage.service();
        config.state_dir(directory.path()).unwrap();
        let session = Session::new(&config).unwrap();
        session.login().unwrap();
        session.logout().unwrap();
    }
    for name in &users {
        assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), content(name));
    }
    let ours = names(directory.path()).into_iter().filter(|name| !users.contains(name));
    let foreign: Vec<_> = ours.filter(|name| !name.starts_with("plextrac-auth-")).collect();
    assert_eq!(foreign, [""; 0]);
}

#[test]
fn a_key_file_of_another_program_is_refused_and_kept() {
    let contents: [Vec<u8>; 5] = [
        b"x".to_vec(),
        b"-----BEGIN PRIVATE KEY-----\n".to_vec(),
        vec![7; 32],
        vec![0; 58],
        vec![b'k'; 100_000],
    ];
    for content in contents {
        let (stage, directory) = (Stage::new(), private_directory());
        let key = directory.path().join("plextrac-auth-key");
        fs::write(&key, &content).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let mut config = stage.service();
        config.state_dir(directory.path()).unwrap();
        let error = Session::new(&config).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Store, "{error}");
        let text = error.to_string();
        assert!(text.contains(key.to_str().unwrap()) && text.contains("move it away"), "{text}");
        assert_eq!(fs::read(&key).unwrap(), content);
        assert_eq!(names(directory.path()), ["plextrac-auth-key"]);
        assert_eq!(stage.authentications(), 0);
    }
}

#[test]
fn a_damaged_key_of_ours_is_made_anew() {
    let state = State::new();
    let key = state.directory.path().join("plextrac-auth-key");
    let sound = fs::read(&key).unwrap();
    let longer = [&sound[..], b"x"].concat();
    for damaged in [&sound[..0], &sound[..5], &sound[..sound.len() - 1], &longer] {
        fs::write(&key, damaged).unwrap();
        assert_eq!(state.cost(), (1, 0));
        assert_eq!(fs::read(&key).unwrap().len(), sound.len());
        state.stage.advance(LATER);
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let state = State::new();
    let key = state.directory.path().join("plextrac-auth-key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(Session::new(&state.config()).unwrap_err().code(), ErrorCode::Store);
}

#[test]
fn tokens_that_ended_long_ago_are_taken_away_and_nothing_else_is() {
    let directory = private_directory();
    let day = Duration::from_secs(24 * 3600);
    let record =
        |first: char, rest: &str| format!("plextrac-auth-{first}{}{rest}", "0123456789abcdef".repeat(2));
    let old = [record('t', ""), record('t', ".new")];
    let kept = [
        record('a', ""),
        record('a', ".lock"),
        record('b', ""),
        "plextrac-auth-key".into(),
        "thesis.tex".into(),
        "todo".into(),
    ];
    let young = record('t', "").replace("0123", "3210");
    for (name, age) in old.iter().chain(&kept).map(|name| (name, 8)).chain([(&young, 6)]) {
        let file = fs::File::create(directory.path().join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - day * age).unwrap();
    }
    DirectoryStore::open(directory.path()).unwrap();
    let mut expected = kept.to_vec();
    expected.push(young);
    expected.sort();
    assert_eq!(names(directory.path()), expected);
}
