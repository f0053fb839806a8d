#compdef plextrac-auth

autoload -U is-at-least

_plextrac-auth() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_plextrac-auth_commands" \
"*::: :->plextrac-auth" \
&& ret=0
    case $state in
    (plextrac-auth)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:plextrac-auth-command-$line[1]:"
        case $line[1] in
            (login)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--again[Sign in anew even if there is a live session, and allow a rejected password to be sent once more]' \
'(--no-save)--save[Remember URL, user name and the way to the instance in a profile\: the one that --profile names, or one with the name of the host. No secret is saved. Without this, a person is asked]' \
'--no-save[Do not save a profile, and do not ask]' \
'--json[As one JSON object; durations in milliseconds]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(token)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(header)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--curl-config[As a line for \`curl --config -\`]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(request)
_arguments "${_arguments_options[@]}" : \
'--json=[Send this JSON\: as it stands here, from @FILE, or from standard input (-), of which at most 256 MiB are read]:JSON|@FILE|-:_default' \
'(--json)--data=[Send these bytes, as application/octet-stream unless --header says otherwise\: text, @FILE, or standard input (-), of which at most 256 MiB are read]:TEXT|@FILE|-:_default' \
'*--header=[Send a header with this request; can be given several times]:NAME: VALUE:_default' \
'--output=[Write the body to this file]:FILE:_files' \
'--max-body=[Take a body of up to so many bytes, or KiB, MiB, GiB with a K, M or G behind the number; it is read into memory]:SIZE:_default' \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--include[Write status and headers before the body]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
':method -- GET, POST, PUT, PATCH, DELETE, …:_default' \
':path -- The path on the instance, with a slash in front and percent-encoded, such as /api/v1/client/list:_default' \
&& ret=0
;;
(exec)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
'*::command -- The command and its arguments. Options of exec come before it; `--` may stand in between:_default' \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--json[As one JSON object, or with --all a list of them; durations in milliseconds]' \
'--all[The accounts of all profiles]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(logout)
_arguments "${_arguments_options[@]}" : \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--all[The accounts of all profiles]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(profile)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_plextrac-auth__subcmd__profile_commands" \
"*::: :->profile" \
&& ret=0

    case $state in
    (profile)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:plextrac-auth-profile-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--json[As one JSON object]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--json[As one JSON object]' \
'-h[Print help]' \
'--help[Print help]' \
'::name -- The profile \[default\: the default profile\]:_default' \
&& ret=0
;;
(use)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':name -- The profile:_default' \
&& ret=0
;;
(remove)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':name -- The profile:_default' \
&& ret=0
;;
        esac
    ;;
esac
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
'--report=[Sign in once and refresh once, and write to this file what the instance answers\: statuses, names of headers and fields, kinds of values, and times. It never holds a secret, a user name or an address]:FILE:_files' \
'--url=[The instance, such as acme.plextrac.com]:URL:_default' \
'--username=[The user name\: an e-mail address, as a rule]:NAME:_default' \
'--profile=[Use the settings of this profile \[default\: the one that \`profile use\` has set\]]:NAME:_default' \
'--password-command=[Run this command for the password\: the first line that it prints. Without a shell; words are quoted as in one]:COMMAND:_default' \
'--code-command=[Run this command for the one-time code, if one is needed]:COMMAND:_default' \
'--ca-file=[Trust the certificates in this PEM file as well as the system'\''s]:FILE:_files' \
'--headers-file=[Headers for every request, \`Name\: value\` line by line, as a gateway in front of the instance asks for]:FILE:_files' \
'--auth-scheme=[Authorization scheme of the header\: the token alone, or after the word Bearer \[default\: raw\]]:AUTH_SCHEME:(raw bearer)' \
'--proxy=[Go through this proxy, http\://HOST\:PORT; through none if empty \[default\: as HTTPS_PROXY and NO_PROXY say\]]:URL:_default' \
'--state-dir=[Where the runs of one user share their sessions \[default\: the platform'\''s place for state, below ~/.local/state on Linux\]]:DIR:_files' \
'--wait=[How long the command may wait for its turn to send, before it exits with 5]:SECONDS:_default' \
'--timeout=[How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run]:SECONDS:_default' \
'--json[As one JSON object]' \
'--yes[Allow the sign-in for --report without a question]' \
'--password-stdin[Read the password from the first line of standard input; a command that exec runs finds the rest]' \
'--no-prompt[Ask nothing, even on a terminal]' \
'--no-state[Sign in without a state directory\: the next run does not know of rejected passwords, used codes and sent requests]' \
'--allow-http[Allow http\:// to other machines\: the password can be read on the way]' \
'--insecure-skip-verify[Accept any certificate\: whoever stands in between can read the password]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(emulator)
_arguments "${_arguments_options[@]}" : \
'--port=[The port for HTTP; 0 is any free one]:PORT:_default' \
'--tls-port=[The port for HTTPS; 0 is any free one]:PORT:_default' \
'--accounts=[Create this number of accounts, every second one with MFA, instead of the two default accounts]:N:_default' \
'--path-prefix=[Put the API below a path, as some deployments do]:PATH:_default' \
'--routes=[Read static answers for further paths from a JSON file]:FILE:_files' \
'--limit=[Authentication requests accepted in any minute]:REQUESTS:_default' \
'--retry-after=[The Retry-After header of the limit'\''s 429\: \`auto\` (until a request is accepted), \`none\`, or seconds]:SECONDS:_default' \
'--rejection-status=[The HTTP status of a rejected sign-in, 2xx or 4xx; the body says "status"\: "error"]:CODE:_default' \
'--lock-after=[Lock an account after this number of rejections in a row, or \`never\`]:N:_default' \
'--locked-status=[The HTTP status of a sign-in to a locked account \[default\: the same answer as for a rejection\]]:CODE:_default' \
'--whoami-fields=[Add the fields of this JSON object to the answer of whoami]:JSON:_default' \
'--token-life=[How long a token lives]:SECONDS:_default' \
'--token-padding=[Make tokens longer by this number of bytes, as many permissions do; 1048576 at most]:BYTES:_default' \
'--sign-in-delay=[Delay the answers of both sign-in steps]:MS:_default' \
'--refresh-delay=[Delay the answer of a refresh]:MS:_default' \
'--env[Print lines for a POSIX shell, \`export PLEXTRAC_URL=…\` and more, in place of the JSON line]' \
'--until-eof[End when standard input ends, so that the emulator does not outlive the program that started it]' \
'--unlimited-refresh[Do not count refreshes against the limit]' \
'--challenge-tenant-id[Put tenant_id into the answer with an MFA challenge]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(demo)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
        esac
    ;;
esac
}

(( $+functions[_plextrac-auth_commands] )) ||
_plextrac-auth_commands() {
    local commands; commands=(
'login:Sign in, unless there is a live session' \
'token:Print a live token, alone on one line' \
'header:Print a live token as one \`Authorization\: …\` line' \
'request:Send one authorized request; the body of the answer goes to standard output' \
'exec:Run a command with a live token in its environment' \
'status:Say what is known of the session, without sending anything' \
'logout:Forget the session'\''s token' \
'profile:List, show, choose and remove profiles' \
'doctor:Look for what stands between here and a sign-in, without signing in' \
'emulator:Run a stand-in for an instance, to test programs against' \
'demo:See everything happen against an instance that runs inside this command' \
    )
    _describe -t commands 'plextrac-auth commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__demo_commands] )) ||
_plextrac-auth__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth demo commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__doctor_commands] )) ||
_plextrac-auth__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth doctor commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__emulator_commands] )) ||
_plextrac-auth__subcmd__emulator_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth emulator commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__exec_commands] )) ||
_plextrac-auth__subcmd__exec_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth exec commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__header_commands] )) ||
_plextrac-auth__subcmd__header_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth header commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__login_commands] )) ||
_plextrac-auth__subcmd__login_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth login commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__logout_commands] )) ||
_plextrac-auth__subcmd__logout_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth logout commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__profile_commands] )) ||
_plextrac-auth__subcmd__profile_commands() {
    local commands; commands=(
'list:List the profiles; a star marks the default' \
'show:Show the settings of a profile' \
'use:Make a profile the default' \
'remove:Remove a profile; its session stays until \`logout\`' \
    )
    _describe -t commands 'plextrac-auth profile commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__profile__subcmd__list_commands] )) ||
_plextrac-auth__subcmd__profile__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth profile list commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__profile__subcmd__remove_commands] )) ||
_plextrac-auth__subcmd__profile__subcmd__remove_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth profile remove commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__profile__subcmd__show_commands] )) ||
_plextrac-auth__subcmd__profile__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth profile show commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__profile__subcmd__use_commands] )) ||
_plextrac-auth__subcmd__profile__subcmd__use_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth profile use commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__request_commands] )) ||
_plextrac-auth__subcmd__request_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth request commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__status_commands] )) ||
_plextrac-auth__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth status commands' commands "$@"
}
(( $+functions[_plextrac-auth__subcmd__token_commands] )) ||
_plextrac-auth__subcmd__token_commands() {
    local commands; commands=()
    _describe -t commands 'plextrac-auth token commands' commands "$@"
}

if [ "$funcstack[1]" = "_plextrac-auth" ]; then
    _plextrac-auth "$@"
else
    compdef _plextrac-auth plextrac-auth
fi
