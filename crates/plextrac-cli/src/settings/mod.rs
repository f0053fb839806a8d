//! Which account on which instance, and how to get there: a flag, the environment, the profile, a question.
//!
//! clap reads flags and their environment variables. Secrets have no flags: see [`secrets`].

mod choice;
pub(crate) mod secrets;
mod source;
mod store;

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::account::Purpose;
use crate::args::{AccountArgs, AuthScheme};
use crate::config_file::{ConfigFile, Profile};
use crate::exit::Failure;
use crate::{prompt, secret_command};

use choice::Choice;
pub(crate) use secrets::{Code, Password, Secrets};
pub(crate) use source::{Set, Source};
pub(crate) use store::StoreSettings;

/// Everything that a session is opened with.
pub(crate) struct Settings {
    pub(crate) url: Set<String>,
    /// None with an imported token alone.
    pub(crate) username: Option<Set<String>>,
    pub(crate) ca_file: Option<Set<PathBuf>>,
    pub(crate) headers_file: Option<Set<PathBuf>>,
    pub(crate) auth_scheme: Option<Set<AuthScheme>>,
    pub(crate) proxy: Option<Set<String>>,
    pub(crate) state_dir: Option<Set<PathBuf>>,
    pub(crate) store: Option<StoreSettings>,
    pub(crate) no_state: bool,
    pub(crate) allow_http: bool,
    pub(crate) insecure_skip_verify: bool,
    /// How long the network may take, once it is this run's turn to send.
    pub(crate) timeout: Duration,
    /// How long this run may wait for that turn.
    pub(crate) wait: Duration,
    /// The profile whose settings are used.
    pub(crate) profile: Option<String>,
    /// The profile that is named and does not exist yet.
    pub(crate) new_profile: Option<String>,
    pub(crate) secrets: Secrets,
    /// Whether there is a person to ask.
    pub(crate) asks: bool,
}

/// The two settings that name the account.
#[derive(Default)]
struct Named {
    url: Option<Set<String>>,
    username: Option<Set<String>>,
}

impl Settings {
    /// Collects what is set, and asks for URL and user name if there is a person to ask.
    pub(crate) fn resolve(args: &AccountArgs, purpose: Purpose) -> Result<Self, Failure> {
        let mut settings = Self::collect(args, purpose)?;
        let secrets = &settings.secrets;
        let has_text = matches!(secrets.password, Some(Password::Text(_)));
        if settings.username.is_none() && (secrets.token.is_none() || has_text) {
            if !settings.asks {
                return Err(missing("the user name", "--username, PLEXTRAC_USERNAME or a profile"));
            }
            settings.username = Some(Set::new(prompt::visible("User name")?, Source::Prompt));
        }
        Ok(settings)
    }

    /// Collects what is set, and asks for the URL alone.
    pub(crate) fn collect(args: &AccountArgs, purpose: Purpose) -> Result<Self, Failure> {
        let named = Named {
            url: by_flag_or_environment(args, "url", args.url.as_ref()).filter(|url| is_given(&url.value)),
            username: by_flag_or_environment(args, "username", args.username.as_ref())
                .filter(|name| is_given(&name.value)),
        };
        // A person who signs in anew wants another token than the one that is set.
        let uses_token = matches!(purpose, Purpose::Use | Purpose::Look);
        let has_token = uses_token && secrets::from_environment("PLEXTRAC_TOKEN")?.is_some();
        let mut settings = match choice::of_profile(args, &named, has_token, is_asking(args))? {
            Choice::None => Self::assemble(args, named, None)?,
            Choice::Unfit(why) => {
                Self::assemble(args, named, None).map_err(|failure| failure.with_note(&why))?
            }
            Choice::Profile(name, profile) => Self::assemble(args, named, Some((name, *profile)))?,
            Choice::New(name) => Self { new_profile: Some(name), ..Self::assemble(args, named, None)? },
        };
        settings.secrets.token.take_if(|_| !has_token);
        Ok(settings)
    }

    /// The settings of each profile, in the order of their names.
    pub(crate) fn of_all_profiles(args: &AccountArgs) -> Result<Vec<Self>, Failure> {
        for (id, is_set) in [
            ("url", args.url.is_some()),
            ("username", args.username.is_some()),
            ("profile", args.profile.is_some()),
        ] {
            if is_set && !args.origins.is_environment(id) {
                return Err(Failure::usage(format!("--all is for all profiles; leave --{id} out")));
            }
        }
        let profiles = ConfigFile::read()?.into_profiles();
        if profiles.is_empty() {
            return Err(Failure::usage("there are no profiles; `plextrac-auth login --save` makes one"));
        }
        let of_profile = |profile| {
            let mut settings = Self::assemble(args, Named::default(), Some(profile))?;
            settings.secrets.token = None;
            Ok(settings)
        };
        profiles.into_iter().map(of_profile).collect()
    }

    fn assemble(
        args: &AccountArgs,
        named: Named,
        profile: Option<(String, Profile)>,
    ) -> Result<Self, Failure> {
        let (name, profile) = profile.unzip();
        let profile = profile.as_ref();
        let asks = is_asking(args);
        let url = match named.url.or_else(|| by_profile(Some(&profile?.url))) {
            Some(url) => url,
            None if asks => Set::new(prompt::visible("URL of the instance")?, Source::Prompt),
            None => return Err(missing("the instance's URL", "--url, PLEXTRAC_URL or a profile")),
        };
        let username = named.username.or_else(|| by_profile(profile?.username.as_ref()));
        let path = |id, path: &Option<PathBuf>, of_profile: Option<&PathBuf>| {
            by_flag_or_environment(args, id, path.as_ref().filter(|path| !path.as_os_str().is_empty()))
                .or_else(|| by_profile(of_profile))
        };
        Ok(Self {
            url,
            // The lockout knows an account by its name, so a space around the name must not make it another account.
            username: username.map(|name| Set::new(name.value.trim().to_owned(), name.source)),
            ca_file: path("ca_file", &args.ca_file, profile.and_then(|profile| profile.ca_file.as_ref())),
            headers_file: path(
                "headers_file",
                &args.headers_file,
                profile.and_then(|profile| profile.headers_file.as_ref()),
            ),
            state_dir: path(
                "state_dir",
                &args.state_dir,
                profile.and_then(|profile| profile.state_dir.as_ref()),
            ),
            auth_scheme: by_flag_or_environment(args, "auth_scheme", args.auth_scheme.as_ref())
                .or_else(|| by_profile(profile?.auth_scheme.as_ref())),
            proxy: by_flag_or_environment(args, "proxy", args.proxy.as_ref())
                .or_else(|| by_profile(profile?.proxy.as_ref())),
            store: StoreSettings::collect(&args.store, &args.origins, profile)?,
            no_state: args.no_state,
            allow_http: args.allow_http,
            insecure_skip_verify: args.insecure_skip_verify,
            timeout: Duration::from_secs(args.timeout),
            wait: Duration::from_secs(args.wait),
            profile: name,
            new_profile: None,
            secrets: Secrets::collect(args, profile)?,
            asks,
        })
    }

    /// For a command that needs none of them.
    pub(crate) fn forget_secrets(&mut self) {
        self.secrets = Secrets { token: None, password: None, code: None };
        self.asks = false;
    }

    /// The profile that this account has, or is to have.
    pub(crate) fn profile_name(&self) -> Option<&str> {
        self.new_profile.as_deref().or(self.profile.as_deref())
    }

    pub(crate) fn scheme(&self) -> AuthScheme {
        self.auth_scheme.as_ref().map_or(AuthScheme::Raw, |scheme| scheme.value)
    }

    pub(crate) fn username(&self) -> Option<&str> {
        self.username.as_ref().map(|name| name.value.as_str())
    }

    /// The password from where it is kept, else from a person.
    pub(crate) fn password(&self) -> Result<Zeroizing<String>, Failure> {
        match (&self.secrets.password, self.username()) {
            (Some(Password::Text(text)), _) => Ok(text.value.clone()),
            (Some(Password::Command(command)), username) => {
                secret_command::run("password", &command.value, &self.url.value, username.unwrap_or_default())
            }
            (None, Some(username)) if self.asks => prompt::hidden(&format!("Password of {username}")),
            (None, _) => Err(missing(
                "the password",
                "PLEXTRAC_PASSWORD, or use --password-command or --password-stdin",
            )),
        }
    }

    /// Where each setting comes from, by its name in JSON.
    pub(crate) fn sources(&self) -> Vec<(&'static str, Source)> {
        fn of<T>(name: &'static str, set: Option<&Set<T>>) -> Option<(&'static str, Source)> {
            set.map(|set| (name, set.source))
        }
        let password = self.secrets.password.as_ref().map(|password| match password {
            Password::Text(text) => ("password", text.source),
            Password::Command(command) => ("password_command", command.source),
        });
        let code = self.secrets.code.as_ref().map(|code| match code {
            Code::TotpSecret(_) => ("totp_secret", Source::Environment),
            Code::Once(_) => ("code", Source::Environment),
            Code::Command(command) => ("code_command", command.source),
        });
        let token = self.secrets.token.as_ref().map(|_| ("token", Source::Environment));
        [
            of("url", Some(&self.url)),
            of("username", self.username.as_ref()),
            of("ca_file", self.ca_file.as_ref()),
            of("headers_file", self.headers_file.as_ref()),
            of("auth_scheme", self.auth_scheme.as_ref()),
            of("proxy", self.proxy.as_ref()),
            of("state_dir", self.state_dir.as_ref()),
            of("store", self.store.as_ref().map(|store| &store.url)),
            of("store_key_file", self.store.as_ref().and_then(|store| store.key_file.as_ref())),
            self.store
                .as_ref()
                .and_then(|store| store.key.as_ref())
                .map(|_| ("store_key", Source::Environment)),
            of("store_down", self.store.as_ref().and_then(|store| store.down.as_ref())),
            password,
            code,
            token,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Whether there is a person to ask.
fn is_asking(args: &AccountArgs) -> bool {
    !args.no_prompt && prompt::is_possible()
}

fn by_flag_or_environment<T: Clone>(args: &AccountArgs, id: &str, value: Option<&T>) -> Option<Set<T>> {
    let is_environment = args.origins.is_environment(id);
    let source = if is_environment { Source::Environment } else { Source::Flag };
    value.map(|value| Set::new(value.clone(), source))
}

fn by_profile<T: Clone>(value: Option<&T>) -> Option<Set<T>> {
    value.map(|value| Set::new(value.clone(), Source::Profile))
}

/// `PLEXTRAC_URL=` in the environment sets nothing.
fn is_given(text: &str) -> bool {
    !text.trim().is_empty()
}

fn missing(what: &str, how: &str) -> Failure {
    Failure::usage(format!("{what} is not set, and there is no terminal to ask on; set {how}"))
}
