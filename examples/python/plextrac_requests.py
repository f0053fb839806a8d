"""A session with PlexTrac for requests. The command plextrac-auth keeps it; run `plextrac-auth login --save` before."""

import subprocess
import sys

import requests


class PlexTracAuth(requests.auth.AuthBase):
    """Adds the token of the session. After a 401 it gets another token and sends the request once more."""

    def __init__(self, *options):
        self.options = options

    def token(self, rejected=None):
        command = ["plextrac-auth", "token", *self.options]
        if rejected is not None:
            command.append("--rejected-stdin")
        run = subprocess.run(command, input=rejected or "", stdout=subprocess.PIPE, text=True, check=True)
        return run.stdout.strip()

    def __call__(self, request):
        request.headers["Authorization"] = self.token()
        start = request.body.tell() if hasattr(request.body, "tell") else None
        request.register_hook("response", lambda response, **options: self.again(response, start, options))
        return request

    def again(self, response, start, options):
        if response.status_code != 401 or response.history:
            return response
        response.content  # Read to its end, so that the connection can be used again.
        request = response.request.copy()
        if start is not None:
            request.body.seek(start)
        request.headers["Authorization"] = self.token(rejected=request.headers["Authorization"])
        request.hooks["response"] = []
        repeated = response.connection.send(request, **options)
        repeated.history.append(response)
        return repeated


if __name__ == "__main__":
    url = sys.argv[1]
    with requests.Session() as session:
        session.auth = PlexTracAuth()
        answer = session.get(f"{url}/api/v2/whoami", timeout=30)
        answer.raise_for_status()
        print(answer.json()["username"])
