# schemathesis, which tests what the gateway describes: published Python packages in a folder of their own.
# shellcheck shell=bash

SCHEMATHESIS_PACKAGES=$HERE/../schemathesis/requirements.txt
SCHEMATHESIS_ENTRY=schemathesis-$(sed -n 's/^schemathesis==//p' "$SCHEMATHESIS_PACKAGES")

# Prints the Python that has it. What is there needs no lock: it never changes.
schemathesis() {
  [[ -e $CACHE/$SCHEMATHESIS_ENTRY ]] || install_schemathesis
  printf '%s\n' "$CACHE/$SCHEMATHESIS_ENTRY/bin/python"
}

install_schemathesis() {
  lock
  pip_for_schemathesis
  once "install ${SCHEMATHESIS_ENTRY/-/ }" "$SCHEMATHESIS_ENTRY" python_environment "$SCHEMATHESIS_PACKAGES"
}

# Debian has Python without pip.
pip_for_schemathesis() {
  need python3 "run schemathesis"
  ! python3 -m pip --version >/dev/null 2>&1 || return 0
  [[ $EUID == 0 ]] && command -v apt-get >/dev/null || die "python3 has no pip, and installing it (python3-pip) needs root and Debian"
  step "install Debian packages (python3-pip)" apt_install python3-pip
}

# python_environment PACKAGES FOLDER. Its programs name the folder they were made in; its Python finds the packages wherever it is moved.
python_environment() {
  python3 -m venv --without-pip "$2"
  python3 -m pip --python "$2/bin/python" install -q --no-deps --only-binary :all: -r "$1"
}
