#!/bin/sh
# A job of continuous integration: signs in once, runs its commands, signs out.
#
# The job has these variables, of which the last two are secrets:
#   PLEXTRAC_URL, PLEXTRAC_USERNAME, PLEXTRAC_PASSWORD, PLEXTRAC_TOTP_SECRET (if the account has MFA)
set -eu

# Steps of this job share one session. Give jobs that run at the same time on one machine the same directory, so that
# together they stay below the limit of ten authentication requests a minute.
PLEXTRAC_STATE_DIR=${PLEXTRAC_STATE_DIR:-$PWD/.plextrac}
export PLEXTRAC_STATE_DIR
trap 'plextrac-auth logout >/dev/null' EXIT

plextrac-auth login --no-prompt --wait 90

# A command with the token in its environment, and without the password.
plextrac-auth exec --no-prompt -- sh -c '
    echo "publishing to $PLEXTRAC_URL"
    test -n "$PLEXTRAC_AUTHORIZATION" && test -z "${PLEXTRAC_PASSWORD-}"
'

# A request: HTTP errors end the job, because the exit code is 1.
printf '{"name":"nightly"}' | plextrac-auth request POST /api/v1/client/create --json -
