"""The recipes in examples/python, against an emulator: its environment and the command are given by cargo xtask test."""

import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request

EXAMPLES = os.path.join(os.path.dirname(__file__), "../../examples/python")
sys.path.insert(0, EXAMPLES)
# The addresses are pasted with the path of the API. These programs make URLs of their own.
URL = os.environ["PLEXTRAC_URL"].split("/api/")[0]
CONTROL = os.environ["PLEXTRAC_HTTP_URL"].split("/api/")[0] + "/_emulator"


def control(call, **body):
    data = json.dumps(body).encode() if body else b""
    request = urllib.request.Request(f"{CONTROL}/{call}", data if call != "stats" else None)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=30).read()


def count(kind):
    requests = json.loads(control("stats"))["requests"]
    return sum(requests.get(kind, {}).values())


class Recipe:
    """What both recipes have to do. A subclass says how to send."""

    module = None

    def setUp(self):
        control("reset")
        state = tempfile.TemporaryDirectory()
        self.addCleanup(state.cleanup)
        os.environ["PLEXTRAC_STATE_DIR"] = state.name
        self.auth = importlib.import_module(self.module).PlexTracAuth("--no-prompt")

    def test_requests_share_one_session(self):
        for _ in range(3):
            status, body = self.send("GET", "/api/v2/whoami")
            self.assertEqual((status, body["username"]), (200, os.environ["PLEXTRAC_PLAIN_USERNAME"]))
        self.assertEqual((count("sign_in"), count("refresh")), (1, 0))

    def test_a_401_is_answered_with_one_refresh_and_one_repetition(self):
        self.send("GET", "/api/v2/whoami")
        control("fault", on={"path": "/api/v1/echo"}, do={"status": {"code": 401}})
        status, body = self.send("POST", "/api/v1/echo", {"name": "ACME"})
        self.assertEqual((status, body), (200, {"name": "ACME"}))
        self.assertEqual((count("sign_in"), count("refresh"), count("echo")), (1, 1, 2))

    def test_a_path_that_always_answers_401_is_asked_twice(self):
        control("fault", on={"path": "/api/v1/echo"}, times=None, do={"status": {"code": 401, "body": "{}"}})
        status, _ = self.send("POST", "/api/v1/echo", {"name": "ACME"})
        self.assertEqual((status, count("echo"), count("refresh")), (401, 2, 1))

    def test_it_runs_as_a_program(self):
        program = [sys.executable, os.path.join(EXAMPLES, f"{self.module}.py"), URL]
        run = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(run.stdout.strip(), os.environ["PLEXTRAC_PLAIN_USERNAME"])


class Requests(Recipe, unittest.TestCase):
    module = "plextrac_requests"

    def send(self, method, path, body=None):
        import requests

        with requests.Session() as session:
            session.trust_env = True
            answer = session.request(method, URL + path, auth=self.auth, json=body, timeout=30)
        return answer.status_code, answer.json()

    def test_a_file_is_sent_again_from_its_start(self):
        import requests

        control("fault", on={"path": "/api/v1/echo"}, do={"status": {"code": 401}})
        with requests.Session() as session:
            headers = {"Content-Type": "application/octet-stream"}
            answer = session.post(
                URL + "/api/v1/echo", data=io.BytesIO(b"whole"), headers=headers, auth=self.auth, timeout=30
            )
        self.assertEqual((answer.status_code, answer.content), (200, b"whole"))


class Httpx(Recipe, unittest.TestCase):
    module = "plextrac_httpx"

    def send(self, method, path, body=None):
        import httpx

        with httpx.Client(auth=self.auth, timeout=30) as client:
            answer = client.request(method, URL + path, json=body)
        return answer.status_code, answer.json()


if __name__ == "__main__":
    unittest.main()
