"""The service held to its own OpenAPI document: schemathesis asks what the document allows, and what it does not.

KINJECT_OPENAPI_EXAMPLES=2000 asks that often for each operation.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from run_folder import make_run
from schemathesis.specs.openapi.checks import positive_data_acceptance
from test_service import LIMITS, LOCAL, FakeRun

from kinject.study import open_run
from services.app import app_of
from services.options import Options

EXAMPLES = int(os.environ.get("KINJECT_OPENAPI_EXAMPLES", "25"))
# Which systems, entities and values a run knows, and how long a prompt is in tokens, no schema can say.
BEYOND_THE_DOCUMENT = [positive_data_acceptance]
OURS = (500, 502)  # 503 and 504 are answers: the queue is full, or there was no time


# Of the routes alone, so that each has a test of its own; the document is that of a run on disk.
OPERATIONS = [
    (path, method.upper())
    for path, methods in app_of(FakeRun(), "toy").openapi()["paths"].items()
    for method in methods
]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The service over a run on disk whose systems answer at once."""
    opened = open_run(make_run(tmp_path_factory.mktemp("runs") / "toy"))
    fake = FakeRun()
    object.__setattr__(opened, "system", lambda name: fake.system("kg"))
    app = app_of(opened, "toy", Options(LIMITS, hosts=()))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_one_that_the_document_describes(document, path, method):
    @given(case=document[path][method].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def held(case):
        response = case.call(base_url=LOCAL)
        assert response.status_code not in OURS
        if response.status_code not in (503, 504):
            case.validate_response(response, excluded_checks=BEYOND_THE_DOCUMENT)

    held()
