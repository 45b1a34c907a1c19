"""Measures Accord against a bare client on the same servers: `python -m bench`. See README.md."""

PMS_TOKEN = "pms-demo-token"
ERP_TOKEN = "erp-demo-token"
