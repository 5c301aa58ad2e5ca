"""API keys at rest: what the file holds, and which files are refused."""

import stat

import pytest

from kinject import keys
from kinject.errors import OptionError


def test_each_key_is_known_by_whom_it_was_made_for(tmp_path):
    file = tmp_path / "keys"
    made = {name: keys.add(file, name) for name in ("alice", "bob")}
    known = keys.read(file)
    assert {known.owner(key) for key in made.values()} == set(made)
    assert [known.owner(wrong) for wrong in ("", "kj_", made["bob"][:-1], made["bob"] + " ", "\udcff")] == [None] * 5


def test_a_key_is_added_behind_a_last_line_that_does_not_end(tmp_path):
    path = tmp_path / "keys.txt"
    one = keys.add(path, "alice")
    path.write_text(path.read_text().rstrip("\n"))  # as some editors leave it
    other = keys.add(path, "bob")
    assert [keys.read(path).owner(key) for key in (one, other)] == ["alice", "bob"]


def test_the_file_is_the_owners_alone_and_holds_no_key(tmp_path):
    key = keys.add(tmp_path / "keys", "alice")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    assert key.removeprefix("kj_") not in (tmp_path / "keys").read_text()


def test_a_key_has_256_bits_and_no_two_are_alike(tmp_path):
    made = {keys.add(tmp_path / "keys", str(n)) for n in range(50)}
    assert {len(key) for key in made} == {3 + 43}
    assert len(made) == 50


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_can_use_is_refused(tmp_path, mode):
    keys.add(tmp_path / "keys", "alice")
    (tmp_path / "keys").chmod(mode)
    for act in (lambda: keys.read(tmp_path / "keys"), lambda: keys.add(tmp_path / "keys", "bob")):
        with pytest.raises(OptionError, match=f"mode {mode:04o}.*chmod 600"):
            act()


@pytest.mark.parametrize(
    ("content", "match"), [(b"", "holds no key"), (b"kj_secret", ":1: not NAME"), (b"\xff", "read")]
)
def test_a_file_of_anything_else_is_refused_and_not_shown(tmp_path, content, match):
    (tmp_path / "keys").touch(0o600)
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(OptionError, match=match) as refused:
        keys.read(tmp_path / "keys")
    assert "secret" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OptionError, match="kinject key add"):
        keys.read(tmp_path / "keys")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "x" * 65])
def test_a_name_that_would_break_the_file_is_refused(tmp_path, name):
    with pytest.raises(OptionError, match="a name has"):
        keys.add(tmp_path / "keys", name)


def test_a_name_is_given_once(tmp_path):
    keys.add(tmp_path / "keys", "alice")
    with pytest.raises(OptionError, match="has a key for alice already"):
        keys.add(tmp_path / "keys", "alice")
