//! The one list of what the tasks need from the machine besides Rust, and how it gets there.

use std::cell::Cell;

use xshell::{Shell, cmd};

use crate::steps::Halt;

/// Something of the machine that a task runs or links.
pub(crate) struct Tool {
    /// What a developer calls it.
    pub(crate) name: &'static str,
    source: Source,
    /// What would be skipped without it.
    pub(crate) needed_for: &'static str,
    /// The command whose first line of output is its version; it fails where the tool is absent.
    version: &'static [&'static str],
}

/// What brings a tool.
enum Source {
    /// A package of Debian.
    Debian(&'static str),
    /// A component of the toolchain.
    Rustup(&'static str),
    /// Packages for Python, with their versions. They go to [`VENV`].
    Pip(&'static [&'static str]),
}

/// Packages for Python go here and not into the system.
pub(crate) const VENV: &str = "target/xtask/venv";

pub(crate) const GCC: Tool = Tool {
    name: "gcc",
    source: Source::Debian("gcc"),
    needed_for: "header modes, C programs, no_std link check",
    version: &["gcc", "--version"],
};
pub(crate) const GXX: Tool = Tool {
    name: "g++",
    source: Source::Debian("g++"),
    needed_for: "header modes, C++ programs",
    version: &["g++", "--version"],
};
pub(crate) const CLANG: Tool = Tool {
    name: "clang",
    source: Source::Debian("clang"),
    needed_for: "header modes, C and C++",
    version: &["clang", "--version"],
};
pub(crate) const PKG_CONFIG: Tool = Tool {
    name: "pkg-config",
    source: Source::Debian("pkg-config"),
    needed_for: "C programs that use libcurl, the installed library",
    version: &["pkg-config", "--version"],
};
pub(crate) const LIBCURL: Tool = Tool {
    name: "libcurl",
    source: Source::Debian("libcurl4-openssl-dev"),
    needed_for: "C programs that use libcurl",
    version: &["pkg-config", "--modversion", "libcurl"],
};

pub(crate) const CMAKE: Tool = Tool {
    name: "cmake",
    source: Source::Debian("cmake"),
    needed_for: "the installed library",
    version: &["cmake", "--version"],
};

pub(crate) const GO: Tool = Tool {
    name: "go",
    source: Source::Debian("golang-go"),
    needed_for: "the Go package",
    version: &["go", "version"],
};

pub(crate) const VALGRIND: Tool = Tool {
    name: "valgrind",
    source: Source::Debian("valgrind"),
    needed_for: "memcheck",
    version: &["valgrind", "--version"],
};

pub(crate) const ABIGAIL: Tool = Tool {
    name: "libabigail",
    source: Source::Debian("abigail-tools"),
    needed_for: "the ABI baseline",
    version: &["abidiff", "--version"],
};

pub(crate) const DOXYGEN: Tool = Tool {
    name: "doxygen",
    source: Source::Debian("doxygen"),
    needed_for: "the header as a manual",
    version: &["doxygen", "--version"],
};

pub(crate) const CURL: Tool = Tool {
    name: "curl",
    source: Source::Debian("curl"),
    needed_for: "Rust tests: curl with the token, inside exec",
    version: &["curl", "--version"],
};

pub(crate) const PASS: Tool = Tool {
    name: "pass",
    source: Source::Debian("pass"),
    needed_for: "Rust tests: a password from pass",
    version: &["pass", "--version"],
};

pub(crate) const SECRET_TOOL: Tool = Tool {
    name: "secret-tool",
    source: Source::Debian("libsecret-tools"),
    needed_for: "Rust tests: a password from a keyring",
    version: &["sh", "-c", "command -v secret-tool"],
};

pub(crate) const KEYRING: Tool = Tool {
    name: "gnome-keyring",
    source: Source::Debian("gnome-keyring"),
    needed_for: "Rust tests: a password from a keyring",
    version: &["gnome-keyring-daemon", "--version"],
};

pub(crate) const DBUS: Tool = Tool {
    name: "dbus-run-session",
    source: Source::Debian("dbus"),
    needed_for: "Rust tests: a password from a keyring",
    version: &["dbus-run-session", "--version"],
};

pub(crate) const REDIS: Tool = Tool {
    name: "redis-server",
    source: Source::Debian("redis-server"),
    needed_for: "Rust tests: the store on Redis, with Sentinel",
    version: &["redis-server", "--version"],
};

pub(crate) const IPROUTE2: Tool = Tool {
    name: "ip",
    source: Source::Debian("iproute2"),
    needed_for: "Rust tests: several hosts on one machine",
    version: &["ip", "-Version"],
};

pub(crate) const TMUX: Tool = Tool {
    name: "tmux",
    source: Source::Debian("tmux"),
    needed_for: "completion in the shells",
    version: &["tmux", "-V"],
};

pub(crate) const ZSH: Tool = Tool {
    name: "zsh",
    source: Source::Debian("zsh"),
    needed_for: "completion in zsh",
    version: &["zsh", "--version"],
};

pub(crate) const FISH: Tool = Tool {
    name: "fish",
    source: Source::Debian("fish"),
    needed_for: "completion in fish",
    version: &["fish", "--version"],
};

pub(crate) const PYTHON: Tool = Tool {
    name: "python3",
    source: Source::Debian("python3-venv"),
    needed_for: "the Python recipes",
    version: &["python3", "-c", "import ensurepip, sys; print(sys.version)"],
};

pub(crate) const PYTHON_HTTP: Tool = Tool {
    name: "requests, httpx",
    source: Source::Pip(&["requests==2.34.2", "httpx==0.28.1"]),
    needed_for: "the Python recipes",
    version: &[
        "target/xtask/venv/bin/python",
        "-c",
        "import requests, httpx; print('requests', requests.__version__, 'httpx', httpx.__version__)",
    ],
};

/// Not needed: without it the races are looked for with less of the program seen.
pub(crate) const RUST_SRC: Tool = Tool {
    name: "rust-src",
    source: Source::Rustup("rust-src"),
    needed_for: "races, with the standard library instrumented",
    version: &[
        "sh",
        "-c",
        r#"test -f "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" && rustc --version"#,
    ],
};

/// Every tool a task needs. A task that needs another adds it here.
pub(crate) const ALL: &[&Tool] = &[
    &GCC,
    &GXX,
    &CLANG,
    &PKG_CONFIG,
    &LIBCURL,
    &CMAKE,
    &GO,
    &VALGRIND,
    &ABIGAIL,
    &DOXYGEN,
    &CURL,
    &PASS,
    &SECRET_TOOL,
    &KEYRING,
    &DBUS,
    &REDIS,
    &IPROUTE2,
    &TMUX,
    &ZSH,
    &FISH,
    &PYTHON,
    &PYTHON_HTTP,
];

impl Tool {
    /// The version it reports, or nothing when it is absent.
    pub(crate) fn version(&self, shell: &Shell) -> Option<String> {
        let (program, arguments) = self.version.split_first()?;
        let output = cmd!(shell, "{program} {arguments...}").quiet().ignore_stderr().read().ok()?;
        output.lines().next().map(str::to_owned)
    }

    /// The command that brings it.
    pub(crate) fn install_command(&self) -> String {
        match self.source {
            Source::Debian(package) => format!("apt-get install -y --no-install-recommends {package}"),
            Source::Rustup(component) => format!("rustup component add {component}"),
            Source::Pip(packages) => {
                let packages = packages.join(" ");
                format!("python3 -m venv {VENV} && {VENV}/bin/python -m pip install {packages}")
            }
        }
    }
}

/// Finds tools, and brings missing ones where that was asked for and is possible.
pub(crate) struct Toolbox<'a> {
    shell: &'a Shell,
    may_install: bool,
    lists_are_fresh: Cell<bool>,
}

impl<'a> Toolbox<'a> {
    /// `install`: bring what is missing. In continuous integration that is so without being asked.
    pub(crate) fn new(shell: &'a Shell, install: bool) -> Self {
        let may_install = install || in_ci();
        Self { shell, may_install, lists_are_fresh: Cell::new(false) }
    }

    /// The tool's version; [`Halt::Missing`] with the command that installs it when it is absent and cannot be
    /// brought.
    pub(crate) fn require(&self, tool: &Tool) -> Result<String, Halt> {
        if let Some(version) = tool.version(self.shell) {
            return Ok(version);
        }
        let remedy = tool.install_command();
        let missing = |why: &str| Halt::Missing(format!("{} is missing{why}: {remedy}", tool.name));
        if !self.may_install || matches!(tool.source, Source::Debian(_)) && !is_debian_root(self.shell) {
            return Err(missing(""));
        }
        self.install(&tool.source).map_err(|error| missing(&format!(" and did not install ({error})")))?;
        tool.version(self.shell).ok_or_else(|| missing(" even after it was installed"))
    }

    fn install(&self, source: &Source) -> Result<(), xshell::Error> {
        let shell = self.shell;
        let package = match source {
            Source::Debian(package) => package,
            Source::Rustup(component) => return cmd!(shell, "rustup component add {component}").run(),
            Source::Pip(packages) => {
                let (venv, python, packages) = (VENV, format!("{VENV}/bin/python"), packages.iter());
                cmd!(shell, "python3 -m venv {venv}").run()?;
                return cmd!(shell, "{python} -m pip install --quiet {packages...}").run();
            }
        };
        if !self.lists_are_fresh.get() {
            cmd!(shell, "apt-get update -qq").run()?;
            self.lists_are_fresh.set(true);
        }
        cmd!(shell, "apt-get install -y -qq --no-install-recommends {package}")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
    }
}

/// Whether a continuous integration runs us: the variable `CI` is set, as every such service does.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn is_debian_root(shell: &Shell) -> bool {
    shell.path_exists("/etc/debian_version")
        && cmd!(shell, "id -u").quiet().read().is_ok_and(|user| user.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::{Halt, Source, Tool, Toolbox};

    const NOWHERE: Tool = Tool {
        name: "nowhere",
        source: Source::Debian("nowhere-dev"),
        needed_for: "this test",
        version: &["plextrac-no-such-program", "--version"],
    };

    #[test]
    fn a_missing_tool_is_named_with_the_command_that_installs_it() {
        let shell = xshell::Shell::new().expect("a shell");
        let toolbox = Toolbox { may_install: false, ..Toolbox::new(&shell, false) };
        let Err(Halt::Missing(reason)) = toolbox.require(&NOWHERE) else { panic!("it cannot be there") };
        assert_eq!(reason, "nowhere is missing: apt-get install -y --no-install-recommends nowhere-dev");
    }
}
