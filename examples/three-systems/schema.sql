CREATE TABLE company (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    company_name text NOT NULL,
    org_no text UNIQUE,
    mail text,
    phone text,
    country char(2),
    accord_key text UNIQUE,
    revision integer NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION company_moved() RETURNS trigger AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END
$$ LANGUAGE plpgsql;

CREATE TRIGGER company_moved BEFORE UPDATE ON company FOR EACH ROW EXECUTE FUNCTION company_moved();
