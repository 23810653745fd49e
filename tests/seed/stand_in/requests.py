"""As much of the `requests` package as a small validation script uses, for machines without it:
get and post with params, json, data, headers and timeout; status_code, headers, text, content, ok,
json() and raise_for_status(). Proxies come from the environment, as there."""
import json as json_module
import urllib.error
import urllib.parse
import urllib.request


class RequestException(OSError):
    pass


class ConnectionError(RequestException):  # noqa: A001 (its name in requests)
    pass


class HTTPError(RequestException):
    pass


class Response:
    def __init__(self, status_code, headers, content, url):
        self.status_code, self.headers, self.content, self.url = status_code, headers, content, url

    @property
    def ok(self):
        return self.status_code < 400

    @property
    def text(self):
        return self.content.decode(self.headers.get_content_charset() or "utf-8", "replace")

    def json(self):
        return json_module.loads(self.content)

    def raise_for_status(self):
        if not self.ok:
            raise HTTPError(f"{self.status_code} for url: {self.url}")


def request(method, url, params=None, json=None, data=None, headers=None, timeout=None):
    if params:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params, doseq=True)
    headers = dict(headers or {})
    body = data.encode() if isinstance(data, str) else urllib.parse.urlencode(data).encode() if isinstance(data, dict) else data
    if json is not None:
        body = json_module.dumps(json).encode()
        headers.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            return Response(answer.status, answer.headers, answer.read(), url)
    except urllib.error.HTTPError as error:
        return Response(error.code, error.headers, error.read(), url)
    except OSError as error:
        raise ConnectionError(f"{method} {url}: {error}") from error


def get(url, params=None, **options):
    return request("GET", url, params=params, **options)


def post(url, data=None, json=None, **options):
    return request("POST", url, data=data, json=json, **options)
