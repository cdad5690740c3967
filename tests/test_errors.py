"""The error classes: one line of text, the exit codes the command line promises, survival of a worker's pipe."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhvt_vectorize import errors
from dhvt_vectorize.errors import DhvtError

EXIT_CODES = {
    "DhvtError": 1,
    "UsageError": 2,
    "InputError": 3,
    "WeightsError": 4,
    "OutputError": 5,
    "DeviceError": 6,
    "BatchError": 7,
}
CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, DhvtError)]


def test_every_error_class_has_its_documented_exit_code():
    assert {error_class.__name__: error_class.exit_code for error_class in CLASSES} == EXIT_CODES


@pytest.mark.parametrize("error_class", CLASSES)
@given(subject=st.text(), cause=st.text(), remedy=st.text())
def test_a_message_is_one_line_with_the_words_of_all_parts(error_class, subject, cause, remedy):
    message = str(error_class(subject, cause, remedy))
    assert len(message.splitlines()) == 1
    assert message.split() == f"{subject}: {cause}; {remedy}".split()


@pytest.mark.parametrize("error_class", CLASSES)
def test_an_error_survives_pickling(error_class, tmp_path):
    error = error_class(tmp_path / "a.png", "is empty", "give an image")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_class
    assert (copy.subject, copy.cause, copy.remedy) == (str(tmp_path / "a.png"), "is empty", "give an image")
    assert str(copy) == str(error)


def test_every_error_can_be_caught_as_one_kind():
    assert all(issubclass(error_class, DhvtError) for error_class in CLASSES)
    assert not issubclass(DhvtError, (OSError, ValueError))
