//! `plextrac-auth profile`: the profiles in the settings file.

use serde_json::{Map, Value, json};

use crate::args::{ProfileAction, ProfileArgs};
use crate::config_file::{ConfigFile, Profile};
use crate::exit::Failure;
use crate::output::{self, one_line};

pub(crate) fn run(args: &ProfileArgs) -> Result<(), Failure> {
    let mut file = ConfigFile::read()?;
    match &args.action {
        ProfileAction::List(args) => output::line(&if args.json { list_json(&file) } else { list(&file) }),
        ProfileAction::Show(args) => show(&file, args.name.as_deref(), args.json),
        ProfileAction::Use(args) => {
            file.choose(&args.name)?;
            output::line(&format!("{} is the default profile", one_line(&args.name)))
        }
        ProfileAction::Remove(args) => {
            let note = if file.remove(&args.name)? { "; there is no default profile now" } else { "" };
            output::line(&format!("removed the profile {}{note}", one_line(&args.name)))
        }
    }
}

fn list(file: &ConfigFile) -> String {
    let longest = file.profiles().keys().map(|name| one_line(name).chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = file
        .profiles()
        .iter()
        .map(|(name, profile)| {
            let mark = if file.default_profile() == Some(name) { '*' } else { ' ' };
            let username = profile.username.as_deref().unwrap_or_default();
            let line = format!(
                "{mark} {:longest$}  {}  {}",
                one_line(name),
                one_line(&profile.url),
                one_line(username)
            );
            line.trim_end().to_owned()
        })
        .collect();
    lines.push(match file.path() {
        Some(path) if lines.is_empty() => format!("no profiles; they would be in {}", path.display()),
        Some(path) => format!("in {}", path.display()),
        None => "no profiles, and no home directory to keep them in".to_owned(),
    });
    lines.join("\n")
}

fn list_json(file: &ConfigFile) -> String {
    let profiles: Map<String, Value> =
        file.profiles().iter().map(|(name, profile)| (name.clone(), as_json(profile).into())).collect();
    json!({ "file": file.path(), "default": file.default_profile(), "profiles": profiles }).to_string()
}

fn show(file: &ConfigFile, name: Option<&str>, is_json: bool) -> Result<(), Failure> {
    let name = name.or(file.default_profile()).ok_or_else(|| {
        Failure::usage("there is no default profile; name one, or see `plextrac-auth profile list`")
    })?;
    let profile = file.get(name)?;
    if is_json {
        let mut object = as_json(profile);
        object.insert("name".to_owned(), name.into());
        object.insert("default".to_owned(), (file.default_profile() == Some(name)).into());
        return output::line(&Value::Object(object).to_string());
    }
    let set = profile.entries().into_iter().filter_map(|(key, text)| Some((key, text?)));
    let lines: Vec<String> = set.map(|(key, text)| format!("{key:16}  {}", one_line(&text))).collect();
    output::line(&lines.join("\n"))
}

fn as_json(profile: &Profile) -> Map<String, Value> {
    profile.entries().into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect()
}
