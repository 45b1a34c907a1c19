"""Systems that speak OData version 4, on the parts of the REST connector."""
