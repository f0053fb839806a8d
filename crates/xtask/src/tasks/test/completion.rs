//! The installed completion scripts, tried with a real Tab in real shells.

use std::path::Path;
use std::time::{Duration, Instant};

use xshell::{Shell, cmd};

use crate::library::{INSTALLED_PROFILE, Library};
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::test::installed::fresh_install;
use crate::toolbox::{FISH, TMUX, Tool, Toolbox, ZSH};

/// A shell answers within milliseconds; this is for a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// What a person types before Tab, and the line after it.
const LINES: &[(&str, &str)] = &[
    ("plextrac-auth logi", "plextrac-auth login "),
    ("plextrac-auth request --inc", "plextrac-auth request --include "),
    ("plextrac-auth token --auth-scheme be", "plextrac-auth token --auth-scheme bearer "),
];

/// Typed after Tab, so that the end of the completed line is seen.
const END: &str = "END";

struct Interactive {
    name: &'static str,
    tool: Option<&'static Tool>,
    /// Starts without anybody's settings, and without the scripts of the prefix.
    start: &'static [&'static str],
    /// Loads the script as the shell finds it below the prefix. `PREFIX` stands for that.
    load: &'static str,
}

const SHELLS: &[Interactive] = &[
    Interactive {
        name: "bash",
        tool: None,
        start: &["bash", "--noprofile", "--norc"],
        load: "source PREFIX/share/bash-completion/completions/plextrac-auth",
    },
    Interactive {
        name: "zsh",
        tool: Some(&ZSH),
        start: &["zsh", "--no-rcs"],
        load: "fpath=(PREFIX/share/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D",
    },
    Interactive {
        name: "fish",
        tool: Some(&FISH),
        start: &["fish"],
        load: "exec env XDG_DATA_DIRS=PREFIX/share:/usr/share fish",
    },
];

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    for shell in SHELLS {
        steps.run(&format!("installed: completion, {}", shell.name), || complete(project, toolbox, shell));
    }
}

/// Without the script nothing is completed: this is what shows that the test sees the script's work.
fn complete(project: &Project, toolbox: &Toolbox<'_>, shell: &Interactive) -> Result<String, Halt> {
    toolbox.require(&TMUX)?;
    if let Some(tool) = shell.tool {
        toolbox.require(tool)?;
    }
    let library = Library::build_to_install(project, INSTALLED_PROFILE, None)?;
    let prefix = fresh_install(project, &library, "prefix")?;
    let terminal = Terminal::open(project, shell, &prefix)?;
    for (typed, _) in LINES {
        terminal.expect_line(typed, typed)?;
    }
    terminal.type_line(&shell.load.replace("PREFIX", &prefix.display().to_string()))?;
    terminal.await_prompt()?;
    for (typed, expected) in LINES {
        terminal.expect_line(typed, expected)?;
    }
    Ok(format!("{} lines, each with its control", LINES.len()))
}

/// A shell in a terminal of tmux, which draws what a person would see. Both end when this is dropped.
struct Terminal<'a> {
    shell: &'a Shell,
    socket: String,
}

impl<'a> Terminal<'a> {
    fn open(project: &'a Project, interactive: &Interactive, prefix: &Path) -> Result<Self, Halt> {
        let shell = project.shell();
        let home = project.scratch_dir("completion")?.join(interactive.name);
        shell.remove_path(&home)?;
        shell.create_dir(&home)?;
        // Below the folder for temporary files: the path of a socket has about a hundred bytes.
        let socket = format!("plextrac-xtask-{}", std::process::id());
        let path =
            format!("PATH={}:{}", prefix.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let home = format!("HOME={}", home.display());
        let start = interactive.start;
        cmd!(
            shell,
            "tmux -u -L {socket} -f /dev/null new-session -d -x 120 -y 50 env -u XDG_DATA_DIRS -u XDG_CONFIG_HOME {home} {path} TERM=screen LC_ALL=C.UTF-8 {start...}"
        )
        .env_remove("TMUX")
        .run()?;
        let terminal = Self { shell, socket };
        terminal.await_prompt()?;
        Ok(terminal)
    }

    /// Waits until the shell executes what is typed: Tab before that may be lost.
    fn await_prompt(&self) -> Result<(), Halt> {
        self.type_line("echo is-it-''ready")?;
        self.await_text("is-it-ready")?;
        self.press(&["C-l"])
    }

    /// Types the text and Tab, and waits for the line to be what is expected. Ctrl-U then empties the line.
    fn expect_line(&self, typed: &str, expected: &str) -> Result<(), Halt> {
        self.press(&["-l", typed])?;
        self.press(&["Tab"])?;
        self.press(&["-l", END])?;
        self.await_text(&format!("{expected}{END}"))
            .map_err(|halt| Halt::Failed(format!("after {typed:?} and Tab, {halt}")))?;
        self.press(&["C-u"])
    }

    fn type_line(&self, text: &str) -> Result<(), Halt> {
        self.press(&["-l", text])?;
        self.press(&["Enter"])
    }

    fn press(&self, keys: &[&str]) -> Result<(), Halt> {
        let socket = &self.socket;
        Ok(cmd!(self.shell, "tmux -L {socket} send-keys {keys...}").quiet().run()?)
    }

    fn await_text(&self, text: &str) -> Result<(), Halt> {
        let (start, socket) = (Instant::now(), &self.socket);
        loop {
            let screen = cmd!(self.shell, "tmux -L {socket} capture-pane -p -J").quiet().read()?;
            if screen.contains(text) {
                return Ok(());
            }
            if start.elapsed() > LIMIT {
                return Err(Halt::Failed(format!("{text:?} is not on the screen:\n{}", screen.trim_end())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let socket = &self.socket;
        // An error means that the server has ended by itself.
        let _ = cmd!(self.shell, "tmux -L {socket} kill-server").quiet().ignore_stderr().run();
    }
}
