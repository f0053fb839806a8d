//! The scripts in `examples/shell` do what they say.

use std::path::Path;
use std::process::Command;

use plextrac_emulator::{Emulator, Fault, Kind, Route, Target};
use serde_json::json;

use crate::stand::{BINARY, Stand, run};

/// An instance with the endpoints that the scripts use.
fn stand() -> Stand {
    let clients = Route::new("GET", "/api/v1/client/list").json(&json!([{ "id": 1, "name": "ACME" }]));
    let create =
        Route::new("POST", "/api/v1/client/create").status(201).json(&json!({ "status": "success" }));
    Stand::with(Emulator::builder().route(clients).route(create))
}

/// A script that finds the command as people install it, for the account without MFA.
fn recipe(stand: &Stand, name: &str) -> Command {
    let folder = Path::new(BINARY).parent().unwrap().to_path_buf();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&rest))).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shell").join(name);
    let service = stand.service::<&str>(&[]);
    let mut command = Command::new("sh");
    command.arg(script).env_clear().stdin(std::process::Stdio::null());
    command.envs(service.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
    command
}

#[test]
fn the_cron_script_is_quiet_until_a_person_is_needed() {
    let stand = stand();
    let target = stand.path("clients.json");
    let save = || run(recipe(&stand, "cron.sh").arg(&target));
    assert_eq!(save().fine(), "");
    let saved = std::fs::read_to_string(&target).unwrap();
    assert!(saved.contains("ACME"), "{saved}");
    // Nothing to mail, and nothing lost.
    stand.emulator.fault(Fault::on(Target::Path("/api/v1/client".into())).times(2).drop_connection());
    assert_eq!((save().code, std::fs::read_to_string(&target).unwrap()), (0, saved.clone()));
    let ran = run(recipe(&stand, "cron.sh").arg(&target).env("PLEXTRAC_PASSWORD", "mistyped"));
    assert_eq!(ran.code, 0, "the shared session goes on");
    run(&mut stand.service(&["logout"])).fine();
    let ran = run(recipe(&stand, "cron.sh").arg(&target).env("PLEXTRAC_PASSWORD", "mistyped"));
    assert!(ran.code == 4 && ran.stderr.contains("rejected"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), saved);
    let left = std::fs::read_dir(target.parent().unwrap()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("clients.json")).count(), 1, "no temporary file is left");
}

#[test]
fn the_ci_script_signs_in_once_and_signs_out() {
    let stand = stand();
    let work = stand.path("work");
    std::fs::create_dir(&work).unwrap();
    let ran = run(recipe(&stand, "ci.sh").current_dir(&work));
    assert!(ran.fine().contains(&format!("publishing to {}", stand.emulator.tls_url())), "{ran:?}");
    assert_eq!((stand.authentication_requests(), stand.emulator.stats().of_kind(Kind::Route)), (1, 1));
    let mut status = stand.service(&["status"]);
    run(status.env("PLEXTRAC_STATE_DIR", work.join(".plextrac"))).signed_out();
}

#[test]
fn the_curl_script_repeats_a_request_once_after_a_401() {
    let stand = stand();
    let send = |path: &str| {
        run(recipe(&stand, "curl.sh")
            .args([path, "--noproxy", "*", "--cacert"])
            .arg(stand.emulator.ca_file()))
    };
    assert!(send("/api/v1/client/list").fine().contains("ACME"));
    let unauthorized = || Fault::on(Target::Path("/api/v1/client".into()));
    stand.emulator.fault(unauthorized().status(401, "application/json", &[], "{}"));
    assert!(send("/api/v1/client/list").fine().contains("ACME"));
    let stats = stand.emulator.stats();
    assert_eq!((stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Refresh)), (1, 1));
    let ran = send("/api/v1/nothing");
    assert!(ran.code == 1 && ran.stderr.contains("HTTP 404"), "{ran:?}");
    assert_eq!(stand.authentication_requests(), 2);
}
