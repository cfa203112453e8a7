"""PostgreSQL refuses to run as root: the unprivileged user it runs as instead, without touching anybody's permissions.

A checkout below /root cannot be reached by another user. Instead of opening directories that are not ours, the child
keeps one capability that lets it pass them; its socket is in a directory that only root may enter.
"""

import contextlib
import ctypes
import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "nobody"

_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


class UserCannotReach(Exception):
    """The service user cannot reach a file that it needs."""

    def __init__(self, user: str, path: Path) -> None:
        super().__init__(f"{user} cannot reach {path}")
        self.user = user
        self.path = path


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """Who a child becomes, and the one capability that it keeps, if it needs one."""

    uid: int
    gid: int
    capability: int | None = None

    def become(self) -> None:
        """Called in the child between fork and exec."""
        if self.capability is not None:
            # Capabilities survive the change of user, and access(2), which initdb asks, counts them too.
            _call("prctl", _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.capability is not None:
            _keep_only(self.capability)

    def own(self, path: Path) -> None:
        """Give a file or an empty directory to the user."""
        os.chown(path, self.uid, self.gid)


def service_user(program: Path, directory: Path) -> ServiceUser | None:
    """The user to run `program` in `directory` as: none when we are not root, else one who can reach both."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(SERVICE_USER)
    capabilities = (None, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if sys.platform == "linux" else (None,)
    for capability in capabilities:
        user = ServiceUser(entry.pw_uid, entry.pw_gid, capability)
        if _can_run(user, program, directory):
            return user
    # Where root has no such capability to give, our own directory has to let everybody pass.
    directory.chmod(0o711)
    user = ServiceUser(entry.pw_uid, entry.pw_gid)
    if _can_run(user, program, directory):
        return user
    raise UserCannotReach(SERVICE_USER, program)


def _can_run(user: ServiceUser, program: Path, directory: Path) -> bool:
    def enter() -> None:
        user.become()
        os.chdir(directory)
        if not os.access(program, os.R_OK | os.X_OK):
            raise PermissionError(program)

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "--version"], preexec_fn=enter, capture_output=True, check=False)
        return done.returncode == 0
    return False


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _keep_only(capability: int) -> None:
    mask = 1 << capability
    sets = (_Sets * 2)(_Sets(mask, mask, mask), _Sets(0, 0, 0))
    _call("capset", ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), sets)
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name} failed")
