# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_plextrac_auth_global_optspecs
    string join \n h/help V/version
end

function __fish_plextrac_auth_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_plextrac_auth_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_plextrac_auth_using_subcommand
    set -l cmd (__fish_plextrac_auth_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -s V -l version -d 'Print version'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "login" -d 'Sign in, unless there is a live session'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "token" -d 'Print a live token, alone on one line'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "header" -d 'Print a live token as one `Authorization: …` line'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "request" -d 'Send one authorized request; the body of the answer goes to standard output'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "exec" -d 'Run a command with a live token in its environment'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "status" -d 'Say what is known of the session, without sending anything'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "logout" -d 'Forget the session\'s token'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "profile" -d 'List, show, choose and remove profiles'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "doctor" -d 'Look for what stands between here and a sign-in, without signing in'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "emulator" -d 'Run a stand-in for an instance, to test programs against'
complete -c plextrac-auth -n "__fish_plextrac_auth_needs_command" -f -a "demo" -d 'See everything happen against an instance that runs inside this command'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l again -d 'Sign in anew even if there is a live session, and allow a rejected password to be sent once more'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l save -d 'Remember URL, user name and the way to the instance in a profile: the one that --profile names, or one with the name of the host. No secret is saved. Without this, a person is asked'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l no-save -d 'Do not save a profile, and do not ask'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l json -d 'As one JSON object; durations in milliseconds'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand login" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand token" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l curl-config -d 'As a line for `curl --config -`'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand header" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l json -d 'Send this JSON: as it stands here, from @FILE, or from standard input (-), of which at most 256 MiB are read' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l data -d 'Send these bytes, as application/octet-stream unless --header says otherwise: text, @FILE, or standard input (-), of which at most 256 MiB are read' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l header -d 'Send a header with this request; can be given several times' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l output -d 'Write the body to this file' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l max-body -d 'Take a body of up to so many bytes, or KiB, MiB, GiB with a K, M or G behind the number; it is read into memory' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l include -d 'Write status and headers before the body'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand request" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand exec" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l json -d 'As one JSON object, or with --all a list of them; durations in milliseconds'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l all -d 'The accounts of all profiles'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand status" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l all -d 'The accounts of all profiles'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand logout" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and not __fish_seen_subcommand_from list show use remove" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and not __fish_seen_subcommand_from list show use remove" -f -a "list" -d 'List the profiles; a star marks the default'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and not __fish_seen_subcommand_from list show use remove" -f -a "show" -d 'Show the settings of a profile'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and not __fish_seen_subcommand_from list show use remove" -f -a "use" -d 'Make a profile the default'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and not __fish_seen_subcommand_from list show use remove" -f -a "remove" -d 'Remove a profile; its session stays until `logout`'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from list" -l json -d 'As one JSON object'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from show" -l json -d 'As one JSON object'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand profile; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l report -d 'Sign in once and refresh once, and write to this file what the instance answers: statuses, names of headers and fields, kinds of values, and times. It never holds a secret, a user name or an address' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l url -d 'The instance, such as acme.plextrac.com' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l username -d 'The user name: an e-mail address, as a rule' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l profile -d 'Use the settings of this profile [default: the one that `profile use` has set]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l password-command -d 'Run this command for the password: the first line that it prints. Without a shell; words are quoted as in one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l code-command -d 'Run this command for the one-time code, if one is needed' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l ca-file -d 'Trust the certificates in this PEM file as well as the system\'s' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l headers-file -d 'Headers for every request, `Name: value` line by line, as a gateway in front of the instance asks for' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l auth-scheme -d 'Authorization scheme of the header: the token alone, or after the word Bearer [default: raw]' -r -f -a "raw\t''
bearer\t''"
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l proxy -d 'Go through this proxy, http://HOST:PORT; through none if empty [default: as HTTPS_PROXY and NO_PROXY say]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l state-dir -d 'Where the runs of one user share their sessions [default: the platform\'s place for state, below ~/.local/state on Linux]' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l wait -d 'How long the command may wait for its turn to send, before it exits with 5' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l timeout -d 'How long the command may take, waits for its turn and for a person excluded; what it has sent by then is waited for once more as long, for the next run' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l json -d 'As one JSON object'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l yes -d 'Allow the sign-in for --report without a question'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l password-stdin -d 'Read the password from the first line of standard input; a command that exec runs finds the rest'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l no-prompt -d 'Ask nothing, even on a terminal'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l no-state -d 'Sign in without a state directory: the next run does not know of rejected passwords, used codes and sent requests'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l allow-http -d 'Allow http:// to other machines: the password can be read on the way'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -l insecure-skip-verify -d 'Accept any certificate: whoever stands in between can read the password'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l port -d 'The port for HTTP; 0 is any free one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l tls-port -d 'The port for HTTPS; 0 is any free one' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l accounts -d 'Create this number of accounts, every second one with MFA, instead of the two default accounts' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l path-prefix -d 'Put the API below a path, as some deployments do' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l routes -d 'Read static answers for further paths from a JSON file' -r -F
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l limit -d 'Authentication requests accepted in any minute' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l retry-after -d 'The Retry-After header of the limit\'s 429: `auto` (until a request is accepted), `none`, or seconds' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l rejection-status -d 'The HTTP status of a rejected sign-in, 2xx or 4xx; the body says "status": "error"' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l lock-after -d 'Lock an account after this number of rejections in a row, or `never`' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l locked-status -d 'The HTTP status of a sign-in to a locked account [default: the same answer as for a rejection]' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l whoami-fields -d 'Add the fields of this JSON object to the answer of whoami' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l token-life -d 'How long a token lives' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l token-padding -d 'Make tokens longer by this number of bytes, as many permissions do; 1048576 at most' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l sign-in-delay -d 'Delay the answers of both sign-in steps' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l refresh-delay -d 'Delay the answer of a refresh' -r
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l env -d 'Print lines for a POSIX shell, `export PLEXTRAC_URL=…` and more, in place of the JSON line'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l until-eof -d 'End when standard input ends, so that the emulator does not outlive the program that started it'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l unlimited-refresh -d 'Do not count refreshes against the limit'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -l challenge-tenant-id -d 'Put tenant_id into the answer with an MFA challenge'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand emulator" -s h -l help -d 'Print help'
complete -c plextrac-auth -n "__fish_plextrac_auth_using_subcommand demo" -s h -l help -d 'Print help'
