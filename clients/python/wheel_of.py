"""What pip asks to make an installable package of this folder (PEP 517): a wheel is a zip file with a list of what is in it."""

import base64
import hashlib
import os
import tomllib
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TAG = "py3-none-any"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    name = "%s-%s" % (project["name"], project["version"])
    about = ["Metadata-Version: 2.1", "Name: " + project["name"], "Version: " + project["version"],
             "Summary: " + project["description"], "Requires-Python: " + project["requires-python"]]
    about += ["Requires-Dist: " + each for each in project["dependencies"]]
    texts = {"%s.dist-info/METADATA" % name: "\n".join(about) + "\n",
             "%s.dist-info/WHEEL" % name: "Wheel-Version: 1.0\nGenerator: wheel_of\nRoot-Is-Purelib: true\nTag: %s\n" % TAG}
    for leaf in sorted(os.listdir(os.path.join(HERE, "pedido"))):
        if leaf.endswith(".py") or leaf == "py.typed":
            with open(os.path.join(HERE, "pedido", leaf), encoding="utf-8") as file:
                texts["pedido/" + leaf] = file.read()
    record = "%s.dist-info/RECORD" % name
    rows = ["%s,sha256=%s,%d" % (path, digest(text), len(text.encode())) for path, text in texts.items()]
    texts[record] = "\n".join(rows + [record + ",,", ""])
    wheel = "%s-%s.whl" % (name, TAG)
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as made:
        for path, text in texts.items():
            made.writestr(path, text)
    return wheel


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
