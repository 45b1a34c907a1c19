"""moto's server with one request at a time: it looks at If-Match and stores in two steps, without a lock between them.

Run by the Python of `make systems`, which has moto: `python moto_alone.py PORT`.
"""

import sys

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

if __name__ == "__main__":
    app = DomainDispatcherApplication(create_backend_app)
    app.debug = True
    run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=False)
