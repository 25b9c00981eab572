#!/bin/sh
# Installs what tests need and pip cannot bring: clang, which compiles for tinygrad's CPU device, and
# Chromium, which opens the page. Where this may not be done, those tests are skipped and say so.
set -u

missing=""
command -v clang >/dev/null || missing="clang"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not installed, so that tests which need them are skipped:" $missing
  exit 0
fi
echo "installing for the tests:" $missing
install() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends $missing; }
# The lists may be stale or absent; a second try has fresh ones.
install >/dev/null 2>&1 || { timeout 120 apt-get update -qq >/dev/null 2>&1; install >/dev/null 2>&1; } ||
  echo "could not install, so that tests which need them are skipped:" $missing
