//! Runs on several machines share a session through a store: `--store`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use plextrac_emulator::Target;
use serde_json::{Value, json};

use crate::engine::{Engine, PAGE, PASSWORD, private_file};
use crate::stand::{BINARY, Ran, Stand, run};

/// A run on another machine: it has another home.
fn on_machine<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command.env("HOME", home)
}

#[test]
fn two_homes_share_one_session_through_a_store() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let tokens = homes.each_ref().map(|home| {
        let mut command = stand.analyst(&["token"]);
        run(on_machine(engine.share(&stand, &mut command), home.path())).fine().to_owned()
    });
    assert_eq!(tokens[0], tokens[1]);
    assert!(!homes[0].path().join(".local").exists(), "no state directory is made");
    assert_eq!(stand.authentication_requests(), 2, "the password and the code, once each");
    // Control: without the store each home signs in.
    for sign_ins in [1, 2] {
        run(on_machine(&mut stand.service(&["token"]), homes[sign_ins - 1].path())).fine();
        assert_eq!(stand.authentication_requests(), 2 + sign_ins as u64);
    }
}

#[test]
fn signing_out_reaches_the_other_home() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let on = |args: &[&str], index: usize| {
        let mut command = stand.service(args);
        run(on_machine(engine.share(&stand, &mut command), homes[index].path()))
    };
    on(&["login"], 0).fine();
    assert!(on(&["status"], 1).fine().contains("token     lives"));
    on(&["logout"], 1).fine();
    on(&["status"], 0).signed_out();
}

#[test]
fn status_says_where_the_session_lives_and_who_signs_in() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let home = tempfile::tempdir().unwrap();
    let status = |args: &[&str]| {
        let mut command = stand.service(args);
        run(on_machine(engine.share(&stand, &mut command), home.path()))
    };
    let idle = status(&["status"]).signed_out().to_owned();
    assert!(idle.contains("shared    in the store at 127.0.0.1:") && !idle.contains("claim "), "{idle}");

    let held = stand.emulator.hold(Target::SignIn);
    let mut token = stand.service(&["token"]);
    let child = engine.share(&stand, &mut token).stdout(Stdio::piped()).spawn().unwrap();
    assert!(stand.emulator.wait_for(Duration::from_secs(20), |requests| !requests.is_empty()));
    let busy = status(&["status"]).signed_out().to_owned();
    assert!(busy.contains(" signs in, renewed "), "{busy}");
    let json: Value = serde_json::from_str(status(&["status", "--json"]).signed_out()).unwrap();
    assert_eq!(json["claim"]["work"], json!("sign_in"));
    assert!(json["store"].as_str().unwrap().starts_with("the store at"), "{json}");
    drop(held);
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(!status(&["status"]).fine().contains("claim "));
}

#[test]
fn a_profile_names_the_store_and_holds_no_password() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (url, key) = engine.options(&stand);
    let mut login = stand.service(&["login", "--save", "--profile", "a", "--store-down", "stop"]);
    run(login.arg("--store").arg(&url).arg("--store-key-file").arg(&key)).fine();
    let config = std::fs::read_to_string(stand.path(".config/plextrac-auth/config.toml")).unwrap();
    for line in [format!("store = \"{url}\""), format!("store_key_file = \"{}\"", key.display())] {
        assert!(config.contains(&line), "{config}");
    }
    assert!(config.contains("store_down = \"stop\"") && !config.contains(PASSWORD), "{config}");
    let status = run(&mut stand.nobody(&["status", "--json"]));
    let status: Value = serde_json::from_str(status.fine()).unwrap();
    assert_eq!((&status["state"], &status["sources"]["store"]), (&json!("active"), &json!("profile")));

    let with_password = format!("redis://fleet:{PASSWORD}@127.0.0.1:1");
    let mut login = stand.service(&["login", "--save", "--profile", "a"]);
    let flag = run(login.arg("--store").arg(&with_password));
    assert!(flag.refused(2).contains("password-file"), "{flag:?}");
    assert!(!flag.stderr.contains(PASSWORD));
    let edited = config.replace(&url, &with_password);
    std::fs::write(stand.path(".config/plextrac-auth/config.toml"), edited).unwrap();
    let profile = run(&mut stand.nobody(&["status"]));
    assert!(profile.refused(2).contains("?password-file="), "{profile:?}");
    assert!(!profile.stderr.contains(PASSWORD));
}

#[test]
fn a_password_in_the_environment_is_used_and_not_saved() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (_, key) = engine.options(&stand);
    let url = engine.url().replace("://", &format!("://fleet:{PASSWORD}@"));
    let mut login = stand.service(&["login", "--save", "--profile", "a"]);
    let ran = run(login.env("PLEXTRAC_STORE", &url).env("PLEXTRAC_STORE_KEY_FILE", &key));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("the store is not saved") && !ran.stderr.contains(PASSWORD), "{ran:?}");
    let config = std::fs::read_to_string(stand.path(".config/plextrac-auth/config.toml")).unwrap();
    assert!(!config.contains("store"), "{config}");
    let mut list = stand.nobody(&["store-key", "--list"]);
    let listed = run(list.env("PLEXTRAC_STORE", &url).env("PLEXTRAC_STORE_KEY_FILE", &key));
    assert_eq!(listed.fine().lines().count(), 1);
}

#[test]
fn wrong_settings_of_a_store_are_named_before_anything_is_sent() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (url, key) = engine.options(&stand);
    let with = |url: &str, key: Option<&Path>, args: &[&str]| {
        let mut command = stand.service(&["token"]);
        command.args(args).env("PLEXTRAC_STORE", url);
        run(command.envs(key.map(|key| ("PLEXTRAC_STORE_KEY_FILE", key))))
    };
    let refused = |ran: Ran, code: i32, text: &str| {
        assert!(ran.refused(code).contains(text), "{ran:?}");
    };
    refused(with("http://engine", Some(&key), &[]), 2, "redis://");
    refused(with(&url, None, &[]), 2, "store-key --output");
    refused(with(&url, Some(Path::new("/there/is/none")), &[]), 2, "cannot be read");
    refused(with(&url, Some(&key), &["--no-state"]), 2, "--no-state");
    refused(with("redis://127.0.0.1:1", Some(&key), &[]), 6, "cannot be reached");
    let open = private_file(&stand, "open.key", &std::fs::read_to_string(&key).unwrap());
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(with(&url, Some(&open), &[]), 2, "chmod 600");
    let text = private_file(&stand, "text.key", "no key");
    refused(with(&url, Some(&text), &[]), 2, "44 characters");
    let mut both = stand.service(&["token"]);
    let both = run(engine.share(&stand, &mut both).env("PLEXTRAC_STORE_KEY", "x"));
    refused(both, 2, "leave one out");
    assert_eq!(stand.requests(), 0);

    // Another key than that of the fleet never begins a second session.
    let mut fine = stand.service(&["token"]);
    run(engine.share(&stand, &mut fine)).fine();
    let other = stand.path("other.key");
    run(stand.nobody(&["store-key", "--output"]).arg(&other)).fine();
    refused(with(&url, Some(&other), &[]), 6, "sealed with other keys");
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn an_engine_that_is_down_stops_a_sign_in_unless_allowed() {
    let (stand, mut engine) = (Stand::new(), Engine::start());
    let (url, key) = engine.options(&stand);
    let token = |down: Option<&str>| {
        let mut command = stand.service(&["token", "--store", &url, "--store-key-file"]);
        command.arg(&key);
        run(command.args(down.iter().flat_map(|choice| ["--store-down", choice])))
    };
    token(None).fine();
    engine.kill();
    assert!(token(None).refused(6).contains("the store at 127.0.0.1"), "it is named");
    token(Some("stop")).refused(6);
    assert_eq!(stand.authentication_requests(), 1);
    let alone = token(Some("alone"));
    assert_eq!(alone.code, 0, "{alone:?}");
    assert!(alone.stderr.contains("nothing is shared"), "{alone:?}");
    assert_eq!(stand.authentication_requests(), 2);
}

#[test]
fn a_command_of_exec_shares_the_store() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (url, key) = engine.options(&stand);
    let mut exec = stand.service(&["exec", "--store", &url, "--store-key-file"]);
    // The file is used, and not the key in the environment.
    exec.env("PLEXTRAC_STORE_KEY", "another");
    let script = "echo $PLEXTRAC_STORE; echo $PLEXTRAC_STORE_KEY_FILE; echo ${PLEXTRAC_STORE_KEY-none}";
    exec.arg(&key).args(["--", "sh", "-c", script]);
    assert_eq!(run(&mut exec).fine(), format!("{url}\n{}\nnone\n", key.display()));
}

#[test]
fn a_key_is_made_private_and_replaced_step_by_step() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (url, old) = engine.options(&stand);
    assert_eq!(std::fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(stand.nobody(&["store-key", "--output"]).arg(&old));
    assert!(again.refused(2).contains("exists"), "{again:?}");
    let printed = run(&mut stand.nobody(&["store-key"])).fine().to_owned();
    assert_eq!(printed.trim_end().len(), 44);
    let new = private_file(&stand, "new.key", &printed);

    let with = |key: &Path, args: &[&str]| {
        let mut command = stand.nobody(&["store-key"]);
        run(command.args(args).env("PLEXTRAC_STORE", &url).env("PLEXTRAC_STORE_KEY_FILE", key))
    };
    let token = |key: &Path| {
        let mut command = stand.service(&["token"]);
        run(command.env("PLEXTRAC_STORE", &url).env("PLEXTRAC_STORE_KEY_FILE", key))
    };
    assert!(with(&old, &["--list"]).fine().contains("no key yet"));
    token(&old).fine();
    token(&new).refused(6);
    let new_path = new.to_str().unwrap();
    assert!(with(&old, &["--add", new_path]).fine().contains("opens the store now"));
    assert_eq!(token(&old).fine(), token(&new).fine());
    assert_eq!(with(&new, &["--list"]).fine().lines().count(), 2);
    with(&old, &["--remove", old.to_str().unwrap()]).refused(6);
    with(&new, &["--remove", old.to_str().unwrap()]).fine();
    token(&old).refused(6);
    token(&new).fine();
    assert_eq!(stand.authentication_requests(), 1);
    assert_eq!(with(&new, &["--list"]).fine().lines().count(), 1);
}

#[test]
fn doctor_looks_at_the_store() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let doctor = |engine: &Engine| {
        let mut command = stand.service(&["doctor"]);
        run(engine.share(&stand, &mut command))
    };
    let healthy = doctor(&engine);
    let text = healthy.fine();
    for line in [
        "the connection is not encrypted",
        "allows its scripts, and the key fits",
        "a round trip takes",
        "its clock agrees",
        "records can be written",
        "changes are noticed at once",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains(PASSWORD) && stand.authentication_requests() == 0, "{text}");

    let deaf = Engine::with_rights(
        "resetkeys resetchannels ~plextrac-auth:* &plextrac-auth:* -@all +eval +info +time +get +set +getrange \
         +publish +select",
    );
    let text = doctor(&deaf);
    assert!(text.fine().contains("allow SUBSCRIBE"), "{text:?}");
    for (rights, what) in
        [("resetkeys -@all +time", "eval"), ("resetkeys ~other:* +@all", "allow the commands")]
    {
        let ran = doctor(&Engine::with_rights(rights));
        assert_eq!(ran.code, 6, "{what}: {ran:?}");
        assert!(ran.text().contains("allow the commands, keys and channels"), "{what}: {ran:?}");
    }
    let mut command = stand.service(&["doctor"]);
    let other = private_file(&stand, "other.key", run(&mut stand.nobody(&["store-key"])).fine());
    let wrong = run(engine.share(&stand, &mut command).env("PLEXTRAC_STORE_KEY_FILE", other));
    assert_eq!(wrong.code, 6);
    assert!(wrong.text().contains("sealed with other keys"), "{wrong:?}");
}

/// The page's paths and port become the test's own. `apt-get` does nothing, and `systemctl` starts the engine.
#[test]
fn the_commands_for_a_debian_server_work() {
    let stand = Stand::new();
    let section = PAGE.split("## On a Debian server").nth(1).unwrap().split("\n## ").next().unwrap();
    let blocks: Vec<_> =
        section.split("```sh\n").skip(1).map(|text| text.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 3);
    let etc = stand.path("etc").display().to_string();
    std::fs::create_dir_all(stand.path("etc/redis")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = blocks.concat().replace("/etc/", &format!("{etc}/")).replace(":6379", &format!(":{port}"));
    let pid = stand.path("pid");
    let prelude = format!(
        "set -eu\napt-get() {{ :; }}\nplextrac-auth() {{ {BINARY} \"$@\"; }}\nsystemctl() {{
            redis-server {etc}/redis/redis.conf --port {port} --bind 127.0.0.1 --save '' --daemonize yes --pidfile {pid} \
                --dir {home} >/dev/null
            for _ in $(seq 200); do redis-cli -p {port} ping >/dev/null 2>&1 && break; sleep 0.05; done
        }}\n",
        pid = pid.display(),
        home = stand.path("").display(),
    );
    let mut shell = stand.service(&[""; 0]);
    let environment: Vec<_> =
        shell.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    shell = Command::new("bash");
    let ran = run(shell.env_clear().envs(environment).arg("-c").arg(prelude + &script));
    let engine = std::fs::read_to_string(&pid).unwrap_or_default();
    run(Command::new("kill").arg(engine.trim()));
    let text = ran.fine();
    assert!(
        text.contains("allows its scripts, and the key fits") && text.contains("noticed at once"),
        "{text}"
    );
    let token = text.lines().last().unwrap();
    assert!(token.split('.').count() == 3 || token.len() > 20, "{text}");
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn the_store_and_its_key_can_come_from_the_environment() {
    let (stand, engine) = (Stand::new(), Engine::start());
    let (url, key) = engine.options(&stand);
    let key = std::fs::read_to_string(key).unwrap();
    let mut login = stand.service(&["login"]);
    run(login.env("PLEXTRAC_STORE", url).env("PLEXTRAC_STORE_KEY", key)).fine();
}
