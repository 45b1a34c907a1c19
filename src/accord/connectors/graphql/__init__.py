"""Systems that speak GraphQL, on the parts of the REST connector."""
