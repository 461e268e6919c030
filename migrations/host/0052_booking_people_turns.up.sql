-- Hand-made changes of a tenant's people take turns by this row: whoever writes it last sees what the others did. Two
-- nodes of a cluster do not share locks on rows that are only read, but of two writers of one row one starts afresh.
CREATE TABLE IF NOT EXISTS `booking_people_turns` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `turns` BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
