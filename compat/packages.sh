# Installs Debian packages that are missing. Sourced by the scripts that need them.

packages_file=$(realpath "${BASH_SOURCE[0]}")

# install_packages PACKAGE...: does nothing, and needs no rights, when all of them are there.
install_packages() (
  # Of two scripts that run side by side, one waits for the other.
  exec 9<"$packages_file"
  flock 9
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && exit 0
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "Installing ${missing[*]}"
  # Services of these packages are not wanted: the scripts start their own.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null 9<&-
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 9<&-
)

# What the .NET SDK itself needs of Debian 12, where it was unpacked and not installed as a package.
dotnet_packages=(ca-certificates libgssapi-krb5-2 libicu72 libssl3 libstdc++6 zlib1g)
