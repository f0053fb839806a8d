//! `cargo xtask sanitize`: the C and C++ tests under tools that watch memory, undefined behaviour and races.
//!
//! A tool that is off finds nothing. So each job first runs programs that do what it is there to find.

use std::path::{Path, PathBuf};
use std::process::Command;

use xshell::cmd;

use crate::library::{INSTALLED_PROFILE, Library, Linkage};
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{GCC, GXX, LIBCURL, PKG_CONFIG, RUST_SRC, Toolbox, VALGRIND};

const TESTS: &str = "tests/c";
const CXX_TESTS: &str = "tests/cpp";
const CONTROLS: &str = "tests/sanitize";

/// Under the sanitizer of addresses a process has terabytes mapped, and this program searches all of them.
const SEARCHES_ALL_MEMORY: &str = "secrets";

/// Programs that between them call every function. All of them under Valgrind would take minutes.
const UNDER_VALGRIND: &[&str] = &["arguments", "machine", "sign_in"];

/// What is done about races is in one program.
const OF_THREADS: &str = "threads";

const FLAGS: &[&str] = &["-g", "-O1", "-pthread", "-fno-omit-frame-pointer"];
const ADDRESSES: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
const RACES: &[&str] = &["-fsanitize=thread"];
const MEMCHECK: &[&str] = &[
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
];
/// For a program that ends when nothing is under way: a thread that still runs then is possibly lost, with all it has.
const ALL_LEAKS: &[&str] =
    &["--show-leak-kinds=definite,possible", "--errors-for-leak-kinds=definite,possible"];
/// Installed for users as well.
const SUPPRESSIONS: &str = "packaging/valgrind/plextrac.supp";
/// A program as users write it, over TLS. Valgrind must report it without the suppressions, or they are not needed any
/// more.
const OF_A_USER: &str = "examples/c/login.c";

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Run the C and C++ tests under sanitizers and Valgrind, each with controls that it must catch
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the jobs with this text in their names, such as "races".
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let toolbox = Toolbox::new(project.shell(), false);
    let mut steps = Steps::new(crate::toolbox::in_ci()).only(&options.only);
    let job = |library| Job::new(project, &toolbox, library);
    steps.run("addresses, leaks, undefined behaviour", || job(Library::build(project)?)?.addresses());
    steps.run("memcheck", || {
        job(Library::build_to_install(project, INSTALLED_PROFILE, None)?)?.memcheck(&toolbox)
    });
    steps.run("races", || job(Library::build(project)?)?.races(&toolbox));
    steps.finish()
}

struct Job<'a> {
    project: &'a Project,
    library: Library,
    scratch: PathBuf,
    curl: Vec<String>,
}

impl<'a> Job<'a> {
    fn new(project: &'a Project, toolbox: &Toolbox<'_>, library: Library) -> Result<Self, Halt> {
        for tool in [&GCC, &GXX, &PKG_CONFIG, &LIBCURL] {
            toolbox.require(tool)?;
        }
        let curl = cmd!(project.shell(), "pkg-config --cflags --libs libcurl").quiet().read()?;
        Ok(Self {
            project,
            library,
            scratch: project.scratch_dir("sanitize")?,
            curl: curl.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// The C side is instrumented, and every allocation of the library is seen; its own accesses are not.
    fn addresses(&self) -> Result<String, Halt> {
        let controls = [
            ("leak", "detected memory leaks"),
            ("overflow", "heap-buffer-overflow"),
            ("undefined", "signed integer overflow"),
        ];
        for (control, finding) in controls {
            let program = self.compile(&self.control(control), ADDRESSES, &[])?;
            expect_finding(Command::new(program), control, finding)?;
        }
        let mut tests = self.tests(|name| name != SEARCHES_ALL_MEMORY);
        tests.extend(self.project.files(CXX_TESTS, "cpp"));
        self.all(&tests, |test| {
            let program = self.compile(test, ADDRESSES, &self.library.link_arguments(Linkage::Shared))?;
            self.run(Command::new(program))
        })?;
        Ok(format!("{} programs, {} controls", tests.len(), controls.len()))
    }

    /// Both sides, as they are installed.
    fn memcheck(&self, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
        toolbox.require(&VALGRIND)?;
        let link = self.library.link_arguments(Linkage::Shared);
        let suppressions = format!("--suppressions={}", self.project.path(SUPPRESSIONS).display());
        let valgrind = |options: &[&str], program: &Path| {
            let mut command = Command::new("valgrind");
            command.args(MEMCHECK).args(options).arg(program);
            command
        };
        let under = |program: &Path| valgrind(&[&suppressions], program);
        let controls = [
            ("leak", "definitely lost"),
            ("overflow", "Invalid write"),
            ("uninitialized", "uninitialised value"),
        ];
        for (control, finding) in controls {
            let program = self.compile(&self.control(control), &[], &[])?;
            expect_finding(under(&program), control, finding)?;
        }
        let tests = self.tests(|name| UNDER_VALGRIND.contains(&name));
        self.all(&tests, |test| {
            let program = self.compile(test, &[], &link)?;
            self.run(under(&program))
        })?;
        let program = self.compile(&self.project.path(OF_A_USER), &[], &link)?;
        self.run(valgrind(&[ALL_LEAKS, &[&suppressions]].concat(), &program))
            .map_err(|halt| Halt::Failed(format!("{OF_A_USER}: {halt}")))?;
        println!("{OF_A_USER}: ok");
        if self.run(valgrind(&[], &program)).is_ok() {
            return Err(Halt::Failed(format!(
                "Valgrind reports nothing without {SUPPRESSIONS}: it is not needed any more, delete it"
            )));
        }
        Ok(format!("{} programs, {} controls", tests.len() + 1, controls.len() + 1))
    }

    /// Both sides instrumented: the library is built for it anew, by options of rustc that are not stable yet.
    ///
    /// Rust's standard library too, where its source is there. Where it is not, some of what orders memory is not
    /// seen, and what would be reported for that is suppressed.
    fn races(&self, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
        let (shell, cargo) = (self.project.shell(), self.project.cargo());
        let (std, suppressions, about_std) = match toolbox.require(&RUST_SRC) {
            Ok(_) => (Some("-Zbuild-std=std,panic_unwind"), String::new(), "std instrumented".to_owned()),
            Err(Halt::Missing(reason)) => {
                let file = self.project.path(CONTROLS).join("threads.supp");
                (None, format!("suppressions={}", file.display()), format!("std as it comes: {reason}"))
            }
            Err(halt) => return Err(halt),
        };
        let target = self.scratch.join("target");
        cmd!(
            shell,
            "{cargo} build --package plextrac-ffi --lib --target {TARGET} --target-dir {target} {std...}"
        )
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer")
        .run()?;
        let folder = target.join(TARGET).join("debug");
        let instrumented =
            cmd!(shell, "nm --dynamic --undefined-only {folder}/libplextrac.so").quiet().read()?;
        if !instrumented.contains("__tsan_func_entry") {
            return Err(Halt::Failed(format!("{}: the library is not instrumented", folder.display())));
        }
        let runtime = self.runtime_of_races()?;
        let control = self.compile(&self.control("race"), RACES, &runtime)?;
        expect_finding(Command::new(control), "race", "data race")?;

        let folder = folder.display();
        let library = [format!("-L{folder}"), format!("-Wl,-rpath,{folder}"), "-lplextrac".to_owned()];
        let tests = self.tests(|name| name == OF_THREADS);
        self.all(&tests, |test| {
            let program = self.compile(test, RACES, &[runtime.as_slice(), &library].concat())?;
            let mut command = Command::new(program);
            command.env("TSAN_OPTIONS", format!("exitcode=66 {suppressions}"));
            self.run(command)
        })?;
        Ok(format!("{} program, 1 control, {about_std}", tests.len()))
    }

    /// rustc's own, in place of the compiler's: the two know different functions, and the library needs those.
    fn runtime_of_races(&self) -> Result<Vec<String>, Halt> {
        let sysroot = cmd!(self.project.shell(), "rustc --print sysroot").quiet().read()?;
        let runtime = format!("{sysroot}/lib/rustlib/{TARGET}/lib/librustc-stable_rt.tsan.a");
        let words = ["-fno-sanitize=thread", "-Wl,--whole-archive", &runtime, "-Wl,--no-whole-archive"];
        let system = ["-Wl,--export-dynamic", "-lpthread", "-lrt", "-lm", "-ldl", "-lresolv"];
        Ok(words.iter().chain(&system).map(ToString::to_string).collect())
    }

    fn control(&self, name: &str) -> PathBuf {
        self.project.path(CONTROLS).join(format!("{name}.c"))
    }

    fn tests(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let mut tests = self.project.files(TESTS, "c");
        tests.retain(|test| wanted(&test.file_stem().unwrap_or_default().to_string_lossy()));
        tests
    }

    /// All of them, even after a failure.
    fn all(&self, tests: &[PathBuf], work: impl Fn(&Path) -> Result<(), Halt>) -> Result<(), Halt> {
        let mut failures = Vec::new();
        for test in tests {
            let shown = self.project.shown(test);
            match work(test) {
                Ok(()) => println!("{shown}: ok"),
                Err(halt) => failures.push(format!("{shown}: {halt}")),
            }
        }
        match (tests, failures.is_empty()) {
            ([], _) => Err(Halt::Failed("there is no program to run".to_owned())),
            (_, true) => Ok(()),
            _ => Err(Halt::Failed(failures.join("\n"))),
        }
    }

    /// In two steps: what is compiled and what is linked may be for different runtimes.
    fn compile(&self, source: &Path, instrument: &[&str], link: &[String]) -> Result<PathBuf, Halt> {
        let shell = self.project.shell();
        let kind = instrument.first().map_or("plain", |flag| flag.trim_start_matches("-fsanitize="));
        let name = format!("{}-{kind}", source.file_stem().unwrap_or_default().display());
        let (object, program) = (self.scratch.join(format!("{name}.o")), self.scratch.join(name));
        let include = self.project.path("include");
        let is_cxx = source.extension().is_some_and(|extension| extension == "cpp");
        let (driver, standard) = if is_cxx { ("g++", "-std=c++17") } else { ("gcc", "-std=c11") };
        cmd!(shell, "{driver} {standard} {FLAGS...} {instrument...} -I{include} -c -o {object} {source}")
            .quiet()
            .run()?;
        let curl = &self.curl;
        cmd!(
            shell,
            "{driver} -pthread {instrument...} -o {program} {object} {link...} -Wl,--as-needed {curl...}"
        )
        .quiet()
        .run()?;
        Ok(program)
    }

    fn run(&self, program: Command) -> Result<(), Halt> {
        program::run(program, self.library.folder())
    }
}

/// The tool is on: it ends a program that does what it is there to find, and says so.
fn expect_finding(mut command: Command, control: &str, finding: &str) -> Result<(), Halt> {
    let output = command.output().map_err(|error| Halt::Failed(format!("{control}: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains(finding) {
        return Err(Halt::Failed(format!("the control {control} was not caught: {said}")));
    }
    println!("control {control}: caught");
    Ok(())
}
