#!/usr/bin/python3
"""Looks at simulated XenServers from outside and says whether they hold just what they should.

For one server: the host it runs on has one running VM of it, the host it has moved away from (if any) a stopped one that cannot be started, every
other host nothing; the VHD files in each storage repository are those of the VMs' chains and no others; no staging folder, no migration key
and no authorized_keys line is left. Without --running no host may have anything. With --shut-down the running VM is shut down cleanly first, and with --journal the guest's
journal is then read from its disk, and the chain checked, by an independent VHD reader; with --stopped it is the stopped VM's.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time
import urllib.request


class Host:
    def __init__(self, ready):
        self.facts = json.loads(pathlib.Path(ready).read_text())
        self.name = self.facts["name"]
        self.session = self.call("session.login_with_password", self.facts["username"], self.facts["password"], "1.1", "check_hosts")

    def call(self, method, *params):
        if not method.startswith("session."):
            params = (self.session, *params)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.facts["url"].rstrip("/") + "/jsonrpc", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            result = json.load(answer)
        if "error" in result:
            raise RuntimeError(f"{self.name}: {method}: {result['error']}")
        return result["result"]

    def vms(self):
        return {r: v for r, v in self.call("VM.get_all_records").items() if not v["is_control_domain"] and not (v["is_a_template"] and not v["is_a_snapshot"])}

    def files(self):
        return {p.stem for p in pathlib.Path(self.facts["sr_path"]).glob("*.vhd")}

    def state_of_files(self):
        while True:
            try:
                found = [(p.name, p.stat()) for p in pathlib.Path(self.facts["sr_path"]).iterdir()]
                return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
            except FileNotFoundError:
                # Gone between listing and looking.
                continue

    def disks(self, vms):
        """The uuids of the VHD files that the VMs need: their disks and all parents."""
        needed = set()
        vdis = self.call("VDI.get_all_records")
        by_uuid = {v["uuid"]: v for v in vdis.values()}
        for vm in vms:
            for vbd in self.vms()[vm]["VBDs"]:
                vdi = vdis.get(self.call("VBD.get_VDI", vbd))
                while vdi is not None:
                    needed.add(vdi["uuid"])
                    vdi = by_uuid.get(vdi["sm_config"].get("vhd-parent"))
        return needed

    def leaf(self, vm):
        vbds = {self.call("VBD.get_userdevice", b): b for b in self.vms()[vm]["VBDs"]}
        return self.call("VDI.get_uuid", self.call("VBD.get_VDI", vbds["0"]))


def wrong_on(host, server, running, stopped):
    vms = host.vms()
    mine = {r: v for r, v in vms.items() if v["other_config"].get("nova_uuid") == server}
    guests = {r: v for r, v in mine.items() if not v["is_a_snapshot"]}
    states = sorted(v["power_state"] for v in guests.values())
    if len(mine) != len(vms):
        return f"VMs that nobody asked for: {[v['name_label'] for r, v in vms.items() if r not in mine]}"
    if host.name == running and states != ["Running"]:
        return f"its VMs are {states}, expected one that is running"
    if host.name == stopped:
        if states != ["Halted"]:
            return f"its VMs are {states}, expected one that is halted"
        if "start" not in next(iter(guests.values()))["blocked_operations"]:
            return "the stopped VM could be started by accident"
    if host.name not in (running, stopped) and vms:
        return f"VMs are left: {[v['name_label'] for v in vms.values()]}"
    if host.name != stopped and any(v["is_a_snapshot"] for v in vms.values()):
        return "snapshots are left"
    if host.files() != (needed := host.disks(mine)):
        return f"VHD files {sorted(host.files())}, expected {sorted(needed)}"
    folders = [p.name for p in pathlib.Path(host.facts["sr_path"]).iterdir() if p.is_dir()]
    if folders:
        return f"staging folders are left: {folders}"
    return wrong_in_dom0(host)


def wrong_in_dom0(host):
    ssh = [
        "ssh", "-p", str(host.facts["ssh_port"]), "-i", host.facts["ssh_private_key_file"], "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
        "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts(host)}", f"{host.facts['ssh_user']}@{host.facts['ssh_host']}",
        'grep -c novashim "$HOME/.ssh/authorized_keys"; ls -A "$HOME/.novashim" 2>/dev/null; true',
    ]
    asked = subprocess.run(ssh, capture_output=True, text=True, timeout=60)
    if asked.returncode:
        return f"dom0 does not answer: {asked.stderr.strip()}"
    said = asked.stdout.split()
    if said[:1] != ["0"]:
        return f"authorized_keys has {said[:1]} lines of migrations"
    return f"migration keys are left: {said[1:]}" if said[1:] else None


def known_hosts(host):
    path = pathlib.Path(host.facts["ssh_private_key_file"]).parent / "known_hosts.check"
    path.write_text(f"[{host.facts['ssh_host']}]:{host.facts['ssh_port']} {host.facts['ssh_host_key']}\n")
    return path


def read_journal(host, leaf, at_least):
    journal = pathlib.Path(__file__).parent / "xenserver-simulator" / "journal.py"
    while True:
        before = host.state_of_files()
        said = subprocess.run([sys.executable, str(journal), f"{host.facts['sr_path']}/{leaf}.vhd"], capture_output=True, text=True, timeout=300, check=False)
        # The storage manager merges a chain some time after a snapshot has gone. What was read meanwhile says nothing; what was read while no file changed does.
        if host.state_of_files() == before:
            break
        time.sleep(1)
    print("   the guest's journal:", said.stdout.strip() or said.stderr.strip())
    if said.returncode != 0 or not json.loads(said.stdout)["whole"]:
        return 1
    if json.loads(said.stdout)["last"] < at_least:
        print(f"{host.name}: the journal ends before record {at_least}, which had been written", file=sys.stderr)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--running")
    parser.add_argument("--stopped")
    parser.add_argument("--shut-down", action="store_true")
    parser.add_argument("--journal", action="store_true")
    parser.add_argument("--at-least", type=int, default=0, help="the number of a record that the journal must have reached")
    parser.add_argument("--patience", type=float, default=60, help="seconds for the storage manager's own collection, which runs behind every deletion")
    parser.add_argument("ready", nargs="+")
    args = parser.parse_args()
    hosts = [Host(r) for r in args.ready]

    for host in hosts:
        # Garbage is collected some time after what it belonged to has gone.
        deadline = time.monotonic() + args.patience
        while (wrong := wrong_on(host, args.server, args.running, args.stopped)) and time.monotonic() < deadline:
            time.sleep(0.5)
        if wrong:
            print(f"{host.name}: {wrong}", file=sys.stderr)
            return 1
        print(f"   {host.name}: {len(host.vms())} VMs, {len(host.files())} VHD files: as it should be")

    # Beside one that is stopped, it is that one's journal which stands still and can be read.
    at = args.stopped if args.journal and args.stopped else args.running
    if at is None:
        return 0
    home = next(h for h in hosts if h.name == at)
    vm = next(r for r, v in home.vms().items() if not v["is_a_snapshot"])
    if args.shut_down:
        home.call("VM.clean_shutdown", vm)
    if args.journal:
        return read_journal(home, home.leaf(vm), args.at_least)
    return 0


if __name__ == "__main__":
    sys.exit(main())
