//! `request`: bodies of any size in little memory, and files that are replaced by whole answers.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Child, Command, Stdio};

use plextrac_emulator::{Fault, Kind, Target};

use crate::stand::{Stand, run};

const LARGE: u64 = 64 << 20;

/// What the command needs by itself, and some parts of a body. A body in memory would be six times as much.
const LITTLE: u64 = 16 << 20;

/// The most memory that a process has had so far, in bytes.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_download_takes_little_memory() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::Api).huge_body(LARGE));
    let mut child = start(&mut stand.service(&["request", "/api/v2/whoami"]));
    let mut stdout = child.stdout.take().unwrap();
    let (mut part, mut read) = (vec![0; 1 << 16], 0);
    while read < LARGE - (1 << 20) {
        read += stdout.read(&mut part).unwrap() as u64;
    }
    // It waits for its reader.
    let peak = peak_memory(&child);
    read += std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(read, LARGE);
    assert!(peak < LITTLE, "{peak} bytes");
}

#[test]
fn an_upload_takes_little_memory() {
    let stand = Stand::new();
    let file = stand.path("large");
    std::fs::File::create(&file).unwrap().set_len(LARGE / 2).unwrap();
    for source in [format!("@{}", file.display()), "-".to_owned()] {
        let held = stand.emulator.hold(Target::Api);
        let before = stand.emulator.stats().of_kind(Kind::Echo);
        let mut child = start(&mut stand.service(&["request", "PUT", "/api/v1/echo", "--data", &source]));
        let mut stdin = child.stdin.take().unwrap();
        if source == "-" {
            std::io::copy(&mut std::io::repeat(0).take(LARGE / 2), &mut stdin).unwrap();
        }
        drop(stdin);
        // The body has arrived, and its answer is held.
        let arrived = stand.emulator.wait_for(std::time::Duration::from_secs(60), |seen| {
            seen.iter().filter(|request| request.kind == Kind::Echo).count() as u64 > before
        });
        assert!(arrived);
        let peak = peak_memory(&child);
        drop(held);
        let mut stdout = child.stdout.take().unwrap();
        assert_eq!(std::io::copy(&mut stdout, &mut std::io::sink()).unwrap(), LARGE / 2);
        assert!(child.wait().unwrap().success());
        assert!(peak < LITTLE, "{peak} bytes");
    }
}

#[test]
fn a_transfer_that_breaks_leaves_the_file_as_it_was() {
    let stand = Stand::new();
    std::fs::create_dir(stand.path("folder")).unwrap();
    let file = stand.file("folder/out", b"before");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let link = stand.path("folder/link");
    symlink(&file, &link).unwrap();
    let files = || std::fs::read_dir(stand.path("folder")).unwrap().count();
    let get = || run(stand.service(&["request", "/api/v2/whoami", "--output"]).arg(&link));
    stand.emulator.fault(Fault::on(Target::Api).truncate());
    let ran = get();
    assert!(ran.refused(6).contains("ended in the middle of its answer"), "{ran:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    get().fine();
    assert!(std::fs::read_to_string(&file).unwrap().contains("service@example.com"));
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o640, "its permissions stay");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(files(), 2, "nothing is left beside it");
}

#[test]
fn an_answer_goes_into_a_pipe_that_has_a_name() {
    let stand = Stand::new();
    let pipe = stand.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = start(stand.service(&["request", "/api/v2/whoami", "-o"]).arg(&pipe));
    let text = std::fs::read_to_string(&pipe).unwrap();
    assert!(text.contains("service@example.com"), "{text}");
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn a_long_pipe_is_sent_once_and_its_401_is_the_answer() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    stand.emulator.revoke_tokens();
    let mut child = start(&mut stand.analyst(&["request", "PUT", "/api/v1/echo", "--data", "-"]));
    let mut stdin = child.stdin.take().unwrap();
    let written = stdin.write_all(&vec![0; 2 << 20]);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(written.is_ok(), "it was read to its end");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("HTTP 401"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::Echo), 1);
    // A short one is in memory, and is sent again.
    let short = run(&mut stand.analyst(&["request", "PUT", "/api/v1/echo", "--data", "short"]));
    assert_eq!(short.fine(), "short");
}
