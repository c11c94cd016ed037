# SPDX-License-Identifier: Apache-2.0
"""kilnd with real Blender, as in tests/integration, whose scenes run code against it."""
import importlib.util
import pathlib
import sys

INTEGRATION = pathlib.Path(__file__).parents[1] / "integration"
sys.path.insert(0, str(INTEGRATION))
spec = importlib.util.spec_from_file_location("integration_fixtures", INTEGRATION / "conftest.py")
integration = importlib.util.module_from_spec(spec)
spec.loader.exec_module(integration)

blender, scenes, lasting = integration.blender, integration.scenes, integration.lasting


def pytest_configure(config):
    integration.pytest_configure(config)
