import pytest

pytest.register_assert_rewrite("tests.flows.bad_days")
