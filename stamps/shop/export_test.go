package shop

var InvitationTable = invitations
