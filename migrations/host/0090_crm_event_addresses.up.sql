-- The secret address at which a tenant's portal tells of its people, for the plugin it was made for. The key that it is
-- found by is a hash: a copy of this table opens nothing. heard_at is the last message that was believed, refused_at the
-- last one that was not, and refused the plugin's word why. No row: no address.
CREATE TABLE IF NOT EXISTS `crm_event_addresses` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `plugin` VARCHAR(64) NOT NULL,
  `address_hash` VARBINARY(32) NOT NULL,
  `made_at` DATETIME(6) NOT NULL,
  `heard_at` DATETIME(6) NULL,
  `refused_at` DATETIME(6) NULL,
  `refused` VARCHAR(64) NOT NULL DEFAULT '',
  PRIMARY KEY (`tenant_id`),
  UNIQUE KEY `crm_event_addresses_address_hash_unique` (`address_hash`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
