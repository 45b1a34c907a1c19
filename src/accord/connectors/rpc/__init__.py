"""JSON-RPC and XML-RPC: calls described in the project file, carried by the parts of the connector `rest`."""
