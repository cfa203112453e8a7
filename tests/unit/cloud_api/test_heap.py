"""Freed memory is kept where the C library can, and left alone where somebody has chosen otherwise."""

import platform

from cloud_api.heap import keep_freed_memory


def test_it_is_kept_where_the_c_library_is_glibc():
    assert keep_freed_memory({}) == (platform.libc_ver()[0] == "glibc")


def test_what_an_operator_has_chosen_stays():
    assert not keep_freed_memory({"MALLOC_ARENA_MAX": "2"})
    assert not keep_freed_memory({"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"})
