namespace shop;

@path: '/odata/v4/shop'
service Shop {
  entity Authors {
    key ID : Integer;
    name   : String(60);
  }

  // an ETag, made of the time of the last change
  @assert.unique: {code: [code]}
  entity Books {
    key ID        : UUID;
    title         : String(200);
    note          : String;
    code          : String(20);
    price         : Decimal(12, 2);
    stock         : Integer64;
    published     : Date;
    genre         : String enum { fiction; drama; };
    ref           : String(60);
    author        : Association to Authors;
    createdAt     : Timestamp @cds.on.insert: $now;
    @odata.etag
    modifiedAt    : Timestamp @cds.on.insert: $now @cds.on.update: $now;
  }

  // no ETag, and a key of text
  entity Tags {
    key name : String(60);
    colour   : String(200);
    remark   : String;
    weight   : Decimal(12, 2);
  }
}
