"""Start CustomPMS: `python -m demo.custompms --port 8471 --data FOLDER`."""

from .. import data
from ..http import arguments, run
from .api import CustomPMS


def main() -> None:
    """Read the command line, load the demonstration data when asked, serve."""
    options = arguments("custompms", port=8471, token="pms-demo-token")
    product = CustomPMS(options.data / "custompms.db")
    if options.seed_data == "demo" and product.store.is_empty():
        data.load_custompms(product.store, data.demonstration())
    run(product, options)


if __name__ == "__main__":
    main()
