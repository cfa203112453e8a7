-- What an agent tells of the configuration it runs: digest, files, devices, tags.
alter table agent add column config jsonb;
