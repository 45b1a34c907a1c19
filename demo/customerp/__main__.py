"""Start CustomERP: `python -m demo.customerp --port 8472 --data FOLDER`."""

from .. import data
from ..http import arguments, run
from .api import CustomERP


def main() -> None:
    """Read the command line, load the demonstration data when asked, serve."""
    options = arguments("customerp", port=8472, token="erp-demo-token")
    product = CustomERP(options.data / "customerp.db")
    if options.seed_data == "demo" and product.store.is_empty():
        data.load_customerp(product.store, data.demonstration())
    run(product, options)


if __name__ == "__main__":
    main()
