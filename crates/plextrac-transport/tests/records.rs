//! Records as another program, another boot, or an accident left them.

mod stage;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use plextrac_emulator::Kind;
use plextrac_transport::{
    CallLimits, CancelToken, DirectoryStore, ErrorCode, RecordStore, Session, SessionConfig,
};
use serde_json::{Value, json};
use stage::{LONGEST_WAIT, Stage, Told, clock_of, private_directory};

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
        let session = Session::new(&state.config()).unwrap();
        session.login().unwrap();
        session.settle();
        state
    }

    fn config(&self) -> SessionConfig {
        let mut config = self.stage.service();
        config.state_dir(self.directory.path()).unwrap();
        config
    }

    /// The record of a kind: `a`ccount, `b`udget.
    fn record(&self, kind: char) -> PathBuf {
        let names = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("plextrac-auth-{kind}")) && !name.contains('.')
        };
        names.into_iter().find(is_it).unwrap()
    }

    fn rewrite(&self, kind: char, change: impl FnOnce(&mut Value)) {
        let store = DirectoryStore::open(self.directory.path()).unwrap();
        let cancel = CancelToken::new();
        let limits = CallLimits { deadline: Instant::now() + LONGEST_WAIT, cancel: &cancel };
        let path = self.record(kind);
        let name = path.file_name().unwrap().to_str().unwrap().strip_prefix("plextrac-auth-").unwrap();
        let stored = store.read(name, &limits).unwrap();
        let mut record = serde_json::from_slice(&stored.bytes).unwrap();
        change(&mut record);
        store.write(name, stored.version, record.to_string().as_bytes(), &limits).unwrap();
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
fn a_damaged_record_is_replaced_at_the_next_sign_in() {
    let state = State::new();
    assert_eq!(state.cost(), (0, 0), "control: a sound one costs nothing");
    let sound = fs::read(state.record('a')).unwrap();
    let damaged: [Vec<u8>; 7] = [
        Vec::new(),
        b"null".to_vec(),
        b"{}".to_vec(),
        sound[..sound.len() / 2].to_vec(),
        vec![0; 1_000],
        vec![b'['; 60_000],
        vec![b' '; 70_000],
    ];
    for content in damaged {
        fs::write(state.record('a'), &content).unwrap();
        assert_eq!(state.cost(), (1, 0), "{:?}…", content.get(..20));
        assert_eq!(state.cost(), (0, 0), "mended");
        state.stage.advance(LATER);
    }
}

#[test]
fn a_record_that_says_what_cannot_be_is_none() {
    let state = State::new();
    let wrong: [(&str, Value); 9] = [
        ("/tokens/0/token", json!("")),
        ("/tokens/0/token", json!("a\r\nX-Evil: 1")),
        ("/tokens/0/token", json!("x".repeat(20_000))),
        ("/tokens/0/token", json!(7)),
        ("/tokens/0/life_ms", json!(-1)),
        ("/tokens/0/life_ms", json!(0)),
        ("/tokens/0/life_ms", json!(u64::MAX)),
        ("/tokens/0/clock", Value::Null),
        ("/tokens/0/at", json!("soon")),
    ];
    for (place, value) in wrong {
        state.rewrite('a', |record| *record.pointer_mut(place).unwrap() = value.clone());
        let (sign_ins, refreshes) = state.cost();
        assert!(sign_ins + refreshes <= 2, "{place}: {value}");
        assert_eq!(state.cost(), (0, 0), "{place}: mended");
        state.stage.advance(LATER);
    }
}

#[test]
fn fields_of_a_newer_build_are_written_back() {
    let state = State::new();
    let field = json!({ "x": [1, 2, 3] });
    for kind in ['a', 'b'] {
        state.rewrite(kind, |record| record["of_a_later_build"] = field.clone());
    }
    assert_eq!(state.cost(), (0, 0));
    let session = Session::new(&state.config()).unwrap();
    session.refresh().unwrap();
    session.settle();
    for kind in ['a', 'b'] {
        state.rewrite(kind, |record| assert_eq!(record["of_a_later_build"], field, "{kind}"));
    }
}

#[test]
fn a_newer_format_version_is_never_overwritten() {
    let state = State::new();
    state.rewrite('a', |record| record["version"] = json!(2));
    let before = fs::read(state.record('a')).unwrap();
    let session = Session::new(&state.config()).unwrap();
    let error = session.login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.message().contains("update this program"), "{error}");
    drop(session.logout());
    assert_eq!(fs::read(state.record('a')).unwrap(), before);
    assert_eq!(state.stage.seen(Kind::SignIn), 1);
}

#[test]
fn damaged_memories_of_account_and_budget_stop_nobody() {
    // The account's record has the token: a sign-in brings another.
    for (kind, cost) in [('a', (1, 0)), ('b', (0, 0))] {
        for content in ["", "nonsense", "{}", "null", "[]"] {
            let state = State::new();
            fs::write(state.record(kind), content).unwrap();
            assert_eq!(state.cost(), cost, "{kind}: {content:?}");
        }
    }
}

#[test]
fn a_budget_from_before_a_reboot_counts_for_one_minute_from_now() {
    let state = State::new();
    state.stage.advance(LATER);
    state.rewrite('b', |record| {
        record["clock"] = json!("an earlier boot");
        for place in ["/at", "/places/0/1"] {
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
fn after_a_reboot_an_old_token_is_good_for_one_refresh() {
    let state = State::new();
    state.rewrite('a', |record| {
        let token = &mut record["tokens"][0];
        token["clock"] = json!("an earlier boot");
        token["at"] = json!(token["at"].as_u64().unwrap() + 86_400_000);
    });
    assert_eq!(state.cost(), (0, 1));
    assert_eq!(state.cost(), (0, 0));
}

#[test]
fn if_the_clocks_agree_another_boot_sends_nothing() {
    let state = State::new();
    state.rewrite('a', |record| record["tokens"][0]["clock"] = json!("the host's name for this boot"));
    assert_eq!(state.cost(), (0, 0));
    // Four seconds apart they still agree; six seconds apart they do not.
    for (apart, cost) in [(4_000, (0, 0)), (6_000, (0, 1))] {
        state.rewrite('a', |record| {
            let token = &mut record["tokens"][0];
            token["clock"] = json!("another");
            token["unix"] = json!(token["unix"].as_i64().unwrap() - apart);
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
        for kind in ['a', 'b'] {
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
    fs::set_permissions(state.record('a'), fs::Permissions::from_mode(0o644)).unwrap();
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
