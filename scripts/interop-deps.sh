#!/usr/bin/env bash
# Installs what the tests in testing/interop talk to, libzmq by way of Python's zmq package, where that can be done without asking.
# It never fails: without the package those tests say that they skip, and where they must not skip they fail by themselves.
set -euo pipefail

if /usr/bin/python3 -c 'import zmq' 2>/dev/null; then
	exit 0
fi

if [[ $(id -u) == 0 ]]; then
	as_root() { "$@"; }
elif sudo -n true 2>/dev/null; then
	as_root() { sudo -n "$@"; }
else
	echo "interop: python3-zmq is missing, and installing it needs root"
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "interop: python3-zmq is missing, and there is no apt-get to install it with"
	exit 0
fi

echo "interop: installing python3-zmq"
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=60 "$@"; }
if ! { apt update && apt install --yes --no-install-recommends python3-zmq; }; then
	echo "interop: python3-zmq could not be installed"
fi
