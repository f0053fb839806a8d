"""A session with PlexTrac for httpx. The command plextrac-auth keeps it; run `plextrac-auth login --save` before."""

import subprocess
import sys

import httpx


class PlexTracAuth(httpx.Auth):
    """Adds the token of the session. After a 401 it gets another token and sends the request once more."""

    def __init__(self, *options):
        self.options = options

    def token(self, rejected=None):
        command = ["plextrac-auth", "token", *self.options]
        if rejected is not None:
            command.append("--rejected-stdin")
        run = subprocess.run(command, input=rejected or "", stdout=subprocess.PIPE, text=True, check=True)
        return run.stdout.strip()

    def auth_flow(self, request):
        token = self.token()
        request.headers["Authorization"] = token
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = self.token(rejected=token)
            yield request


if __name__ == "__main__":
    url = sys.argv[1]
    with httpx.Client(auth=PlexTracAuth(), timeout=30) as client:
        answer = client.get(f"{url}/api/v2/whoami")
        answer.raise_for_status()
        print(answer.json()["username"])
