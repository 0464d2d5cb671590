-- How often a client may begin an upload, in one place for however many web processes there are.
create table upload_rates (
  -- an address, or the network of one (IPv6)
  client text primary key,
  -- When all of its turns are there again: each one that it takes moves this on by as long as one takes
  -- to come back (the generic cell rate algorithm).
  whole_at timestamptz not null
);
