//! `plextrac-auth man`: man pages, made from the command line itself.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::{Cli, ManArgs, SECRETS};
use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::output;

const SECTION: &str = "1";

pub(crate) fn run(args: &ManArgs) -> Result<(), Failure> {
    let pages = pages();
    if let Some(folder) = &args.output_dir {
        return pages.iter().try_for_each(|page| write(page, folder));
    }
    let root = Cli::command().get_name().to_owned();
    let name = args.page.as_ref().map_or(root.clone(), |subcommand| format!("{root}-{subcommand}"));
    match pages.iter().find(|page| page.name == name) {
        Some(page) => output::write(&[&page.content]),
        None => Err(Failure::usage(format!(
            "there is no man page {name}; `plextrac-auth --help` lists the subcommands"
        ))),
    }
}

struct Page {
    name: String,
    content: Vec<u8>,
}

fn write(page: &Page, folder: &Path) -> Result<(), Failure> {
    let path = folder.join(format!("{}.{SECTION}", page.name));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &page.content))
        .map_err(|error| Failure::other(format!("{} cannot be written: {error}", path.display())))
}

/// One page for the command and one for each subcommand, however deep.
fn pages() -> Vec<Page> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add_pages(&root, &root, &mut pages);
    pages
}

fn add_pages(root: &Command, command: &Command, pages: &mut Vec<Page>) {
    pages.push(page(root, command));
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        add_pages(root, subcommand, pages);
    }
}

fn page(root: &Command, command: &Command) -> Page {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut content = Vec::new();
    // Writing to memory cannot fail.
    let _ = render(root, command, &mut content);
    Page { name, content }
}

fn render(root: &Command, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let is_root = command.get_name() == root.get_name();
    // The derived synopsis names every option and leaves out their values; this one says [OPTIONS].
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let source = format!("{} {}", root.get_name(), root.get_version().unwrap_or_default());
    let man = Man::new(command.clone().override_usage(usage));
    // An empty date would be left out, and the source would be printed in its place.
    let man = man.date(" ").source(source).manual("User Commands");

    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    let mut rest = Roff::new();
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    if !is_root {
        notes(command, &mut rest);
    }
    environment(root, command, &mut rest);
    exit_status(root, command, &mut rest);
    if !is_root {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold(root.get_name()), roman(format!("({SECTION})"))]);
    }
    rest.to_writer(page)
}

/// What the help says after the options. Its indented lines are examples, which are not joined.
fn notes(command: &Command, page: &mut Roff) {
    let Some(text) = command.get_after_help() else { return };
    page.control("SH", ["NOTES"]);
    for line in text.to_string().lines() {
        let is_example = line.starts_with(' ');
        if is_example {
            page.control("nf", []);
        }
        page.text([roman(line)]);
        if is_example {
            page.control("fi", []);
        }
    }
}

/// Every variable that the command reads; the page of the root has those of all subcommands.
fn environment(root: &Command, command: &Command, page: &mut Roff) {
    let is_root = command.get_name() == root.get_name();
    let mut variables: Vec<(String, String)> = Vec::new();
    let commands = if is_root { root.get_subcommands().collect() } else { vec![command] };
    for argument in commands.iter().flat_map(|command| command.get_arguments()) {
        if let (Some(variable), Some(option)) = (argument.get_env(), argument.get_long()) {
            let variable = variable.to_string_lossy().into_owned();
            if variables.iter().all(|(name, _)| *name != variable) {
                variables.push((variable, format!("the value of --{option}, if that option is not given")));
            }
        }
    }
    if variables.is_empty() {
        return;
    }
    variables.extend(SECRETS.iter().map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned())));
    page.control("SH", ["ENVIRONMENT"]);
    entries(page, variables);
}

/// A command that has nothing to do with an account has no exit codes about it.
fn exit_status(root: &Command, command: &Command, page: &mut Roff) {
    let is_root = command.get_name() == root.get_name();
    let is_about_an_account = command.has_subcommands()
        || command.get_arguments().any(|argument| Arg::get_id(argument) == "username");
    let is_exec = is_root || command.get_name() == "exec";
    let codes = EXIT_CODES.iter().filter(|(code, _)| match *code {
        0..=2 => true,
        code if code == Exit::NotExecutable as u8 || code == Exit::NotFound as u8 => is_exec,
        _ => is_about_an_account,
    });
    page.control("SH", ["EXIT STATUS"]);
    entries(page, codes.map(|(code, meaning)| (code.to_string(), (*meaning).to_owned())));
}

fn entries(page: &mut Roff, entries: impl IntoIterator<Item = (String, String)>) {
    for (term, meaning) in entries {
        page.control("TP", []);
        page.text([bold(term)]);
        page.text([roman(meaning)]);
    }
}
