//! The Go package, built against an installed copy that pkg-config finds, and its tests in every mode in which Go can
//! watch what a program does with C.

use std::path::{Path, PathBuf};
use std::process::Command;

use xshell::{Cmd, cmd};

use crate::installation::{Destination, install};
use crate::library::Library;
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::test::readme;
use crate::toolbox::{GCC, GO, PKG_CONFIG, Toolbox};

const MODULE: &str = "go";
/// The name of the module in its go.mod.
const MODULE_PATH: &str = "github.com/plextrac-auth/plextrac-auth/go";
const EXAMPLES: &str = "examples/go";

/// Tags under which other files are compiled.
const TAGS: &[&str] = &["", "plextrac_gctest", "plextrac_static"];

/// A way to run the tests.
struct Mode {
    name: &'static str,
    flags: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// A program that the mode must end, and what it says of it.
    control: Option<(&'static str, &'static str)>,
}

const MODES: &[Mode] = &[
    Mode {
        name: "races",
        flags: &["-race"],
        environment: &[],
        control: Some((DATA_RACE, "WARNING: DATA RACE")),
    },
    Mode { name: "GOGC=1", flags: &[], environment: &[("GOGC", "1")], control: None },
    Mode {
        // The control is a test under the same tag.
        name: "collection at every call",
        flags: &["-tags=plextrac_gctest"],
        environment: &[("GODEBUG", "cgocheck=1")],
        control: None,
    },
    Mode {
        name: "cgocheck2",
        flags: &[],
        environment: &[("GOEXPERIMENT", "cgocheck2")],
        control: Some((POINTER_IN_C, "unpinned Go pointer stored into non-Go memory")),
    },
    Mode {
        name: "addresses and leaks",
        flags: &["-asan"],
        // clang's own runtime is in a package apart. To the sanitizer, a pointer in Go's garbage is a pointer.
        environment: &[("CC", "gcc"), ("GODEBUG", "clobberfree=1")],
        control: Some((LEAK, "LeakSanitizer")),
    },
];

const DATA_RACE: &str = r"package main

func main() {
	n, done := 0, make(chan bool)
	go func() { n++; done <- true }()
	n++
	<-done
}
";

const POINTER_IN_C: &str = r#"package main

// #include <stdlib.h>
import "C"

func main() {
	inC := (**int)(C.malloc(8))
	*inC = new(int)
}
"#;

const LEAK: &str = r#"package main

// #include <stdlib.h>
// static void leak(void) { volatile char *p = malloc(1234); p[0] = 1; }
import "C"

func main() {
	for range 100 {
		C.leak()
	}
}
"#;

/// A program of another module.
const OUTSIDE: &str = r#"package main

import plextrac "github.com/plextrac-auth/plextrac-auth/go"

func main() {
	session, err := plextrac.NewSession("acme.plextrac.com", plextrac.WithPassword("me@acme.example", "x"))
	if err != nil {
		panic(err)
	}
	defer session.Close()
	if session.BaseURL() != "https://acme.plextrac.com" {
		panic(session.BaseURL())
	}
}
"#;

/// One step for what needs no run, one a mode, one for the examples.
pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("Go format, vet", || vet(&Go::new(project, toolbox)?));
    for mode in MODES {
        steps.run(&format!("Go tests, {}", mode.name), || test(&Go::new(project, toolbox)?, mode));
    }
    steps.run("Go from another module", || use_from_outside(&Go::new(project, toolbox)?));
    steps.run("Go examples", || run_examples(&Go::new(project, toolbox)?));
}

fn vet(go: &Go<'_>) -> Result<String, Halt> {
    let folders = [MODULE, EXAMPLES];
    for folder in folders {
        let unformatted = cmd!(go.project.shell(), "gofmt -l {folder}").read()?;
        if !unformatted.is_empty() {
            return Err(Halt::Failed(format!("not as gofmt writes it:\n{unformatted}")));
        }
        for tags in TAGS {
            go.command(folder, &["vet", &format!("-tags={tags}"), "./..."]).run()?;
        }
    }
    Ok(String::new())
}

fn test(go: &Go<'_>, mode: &Mode) -> Result<String, Halt> {
    if let Some((source, finding)) = mode.control {
        go.expect_finding(mode, source, finding)?;
    }
    // Go does not see that the library has changed.
    let arguments = [&["test", "-count=1"], mode.flags, &["./..."]].concat();
    go.command(MODULE, &arguments).envs(mode.environment.iter().copied()).run()?;
    Ok(if mode.control.is_some() { "with its control".to_owned() } else { String::new() })
}

/// Another module uses the package as its documentation and the README show. Without cgo, one error says what is missing. The module
/// has its own copies of the licence files.
fn use_from_outside(go: &Go<'_>) -> Result<String, Halt> {
    let shell = go.project.shell();
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let (ours, its) = (go.project.path(licence), go.project.path(MODULE).join(licence));
        if shell.read_file(&ours)? != shell.read_file(&its)? {
            return Err(Halt::Failed(format!("{} is not a copy of {}", its.display(), ours.display())));
        }
    }
    let folder = go.scratch.join("outside");
    shell.write_file(folder.join("go.mod"), "module outside\n\ngo 1.24\n")?;
    shell.write_file(folder.join("main.go"), OUTSIDE)?;
    let folder = folder.display().to_string();
    let copy = go.project.path(MODULE).display().to_string();
    go.command(&folder, &["mod", "edit", &format!("-replace={MODULE_PATH}={copy}")]).run()?;
    go.command(&folder, &["mod", "tidy"]).run()?;
    go.command(&folder, &["run", "."]).run()?;
    shell
        .write_file(Path::new(&folder).join("readme").join("main.go"), readme::program(go.project, "go")?)?;
    go.command(&folder, &["vet", "./..."]).run()?;
    let output =
        go.command(&folder, &["build", "."]).env("CGO_ENABLED", "0").quiet().ignore_status().output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_clear = errors.contains("set CGO_ENABLED=1") && errors.lines().count() == 2;
    if output.status.success() || !is_clear {
        return Err(Halt::Failed(format!("the error of a build without cgo is not clear:\n{errors}")));
    }
    Ok(String::new())
}

/// Each is linked shared and static, and run.
fn run_examples(go: &Go<'_>) -> Result<String, Halt> {
    let shell = go.project.shell();
    let mut examples = shell.read_dir(go.project.path(EXAMPLES))?;
    examples.retain(|path| path.join("main.go").exists());
    for example in &examples {
        let name = example.file_name().unwrap_or_default().display().to_string();
        for (kind, tags) in [("shared", ""), ("static", "plextrac_static")] {
            let program = go.scratch.join(format!("{name}-{kind}"));
            let package = format!("./{name}");
            let output = program.display().to_string();
            go.command(EXAMPLES, &["build", &format!("-tags={tags}"), "-o", &output, &package]).run()?;
            let dynamic = cmd!(shell, "readelf --dynamic {program}").quiet().read()?;
            if dynamic.contains("[libplextrac.so.") != tags.is_empty() {
                return Err(Halt::Failed(format!("{output} is not linked {kind}:\n{dynamic}")));
            }
            program::run(Command::new(&program), &go.emulator)
                .map_err(|halt| Halt::Failed(format!("{output}: {halt}")))?;
        }
    }
    if examples.is_empty() {
        return Err(Halt::Failed(format!("{EXAMPLES} holds no program")));
    }
    Ok(format!("{} examples, shared and static", examples.len()))
}

/// Go, and a library that it finds.
struct Go<'a> {
    project: &'a Project,
    scratch: PathBuf,
    prefix: PathBuf,
    /// The folder of the command that is the emulator.
    emulator: PathBuf,
}

impl<'a> Go<'a> {
    fn new(project: &'a Project, toolbox: &Toolbox<'_>) -> Result<Self, Halt> {
        for tool in [&GO, &GCC, &PKG_CONFIG] {
            toolbox.require(tool)?;
        }
        let library = Library::build(project)?;
        let scratch = project.scratch_dir("go")?;
        let prefix = scratch.join("prefix");
        install(project, &library, &Destination::new(&prefix, Path::new("lib"), None)?)?;
        Ok(Self { project, scratch, prefix, emulator: library.folder().to_owned() })
    }

    /// A command of go's in a folder of the repository.
    fn command(&self, folder: &str, arguments: &[&str]) -> Cmd<'a> {
        let lib = self.prefix.join("lib");
        cmd!(self.project.shell(), "go -C {folder} {arguments...}")
            .env("PKG_CONFIG_PATH", lib.join("pkgconfig"))
            .env("CGO_LDFLAGS", format!("-O2 -g -Wl,-rpath,{}", lib.display()))
            .env("PLEXTRAC_EMULATOR_BIN", self.emulator.join("plextrac-auth"))
            // cargo's own search path must not stand in for the one linked into the program.
            .env_remove("LD_LIBRARY_PATH")
    }

    /// The mode is on: it ends a program that does what it is there to find.
    fn expect_finding(&self, mode: &Mode, source: &str, finding: &str) -> Result<(), Halt> {
        let shell = self.project.shell();
        let folder = self.scratch.join("control");
        shell.write_file(folder.join("go.mod"), "module control\n\ngo 1.24\n")?;
        shell.write_file(folder.join("main.go"), source)?;
        let flags = mode.flags;
        let output = cmd!(shell, "go -C {folder} run {flags...} .")
            .envs(mode.environment.iter().copied())
            .quiet()
            .ignore_status()
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || !said.contains(finding) {
            return Err(Halt::Failed(format!("the control of {} was not caught: {said}", mode.name)));
        }
        Ok(())
    }
}
