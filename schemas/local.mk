# parts of schemas
