"""The service held to its own OpenAPI document: schemathesis asks what the document allows, and what it does not.

KINJECT_OPENAPI_EXAMPLES=2000 asks that often for each operation.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from run_folder import make_run
from test_service import LIMITS, LOCAL, FakeRun

from kinject.study import open_run
from services.app import app_of
from services.options import Options

EXAMPLES = int(os.environ.get("KINJECT_OPENAPI_EXAMPLES", "25"))
OURS = (500, 502)  # 503 and 504 are answers: the queue is full, or there was no time


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The service over a run on disk whose systems answer at once."""
    opened = open_run(make_run(tmp_path_factory.mktemp("runs") / "toy"))
    fake = FakeRun()
    object.__setattr__(opened, "system", lambda name: fake.system("kg"))
    app = app_of(opened, "toy", Options(LIMITS, hosts=()))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_describes(case):
    response = case.call(base_url=LOCAL)
    assert response.status_code not in OURS
    if response.status_code not in (503, 504):
        case.validate_response(response)
